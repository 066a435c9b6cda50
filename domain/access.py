"""Who may see and do what: pure rules, called by every command. A stranger learns nothing from a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.errors import Conflict, Forbidden, Gone, NotFound

if TYPE_CHECKING:
    from domain.accounts import Role, User
    from domain.circles import Circle, MemberRole
    from domain.posts import Post
    from domain.trackers import Tracker

MODERATORS: frozenset[Role] = frozenset({"moderator", "admin"})
STEWARDS: frozenset[MemberRole] = frozenset({"owner", "moderator"})
"""Who looks after a circle."""


def check_operator(user: User) -> None:
    """For queues, lanes and workers: they show no content, but stopping them stops help."""
    if user.role != "admin":
        raise Forbidden


def check_moderator(user: User) -> None:
    if user.role not in MODERATORS:
        raise Forbidden


def may_judge(judge: Role, judged: Role) -> bool:
    """Moderators judge everybody but moderators, admins them too."""
    return judge == "admin" or (judge in MODERATORS and judged not in MODERATORS)


def sees_post(post: Post, user_id: str, *, role: MemberRole | None, blocked: frozenset[str]) -> bool:
    """`role` is the user's in the post's circle, `blocked` everybody around them who is blocked."""
    if post.author_id == user_id:
        return post.status not in {"removed", "expired"}
    if post.author_id in blocked or post.status not in {"live", "closed"}:
        return False
    return post.visibility == "public" or (post.visibility == "circle" and role is not None)


def check_answerable(post: Post) -> None:
    """Refuses a response or support to what is over; only for posts the asker may see."""
    if post.status == "closed":
        raise Gone("This post is closed.")
    if post.status != "live":
        raise NotFound


def check_owner(owner_id: str, user: User) -> None:
    """For things the asker may see; those it may not see are `not_found` before."""
    if owner_id != user.id:
        raise Forbidden


def sees_circle(circle: Circle | None, role: MemberRole | None, *, invited: bool = False) -> Circle:
    """A private circle is there for its members and for whom one of them `invited`."""
    if circle is None or (circle.is_private and role is None and not invited):
        raise NotFound
    return circle


def check_member(circle: Circle | None, role: MemberRole | None) -> Circle:
    circle = sees_circle(circle, role)
    if role is None:
        raise Forbidden("Only members may do that.")
    return circle


def check_steward(circle: Circle | None, role: MemberRole | None) -> Circle:
    """Owner and moderators invite people, and see who is invited and who was removed."""
    circle = check_member(circle, role)
    if role not in STEWARDS:
        raise Forbidden("Only the owner and the moderators of a circle may do that.")
    return circle


def check_circle_owner(circle: Circle | None, role: MemberRole | None) -> Circle:
    """Only the owner changes a circle and the roles in it."""
    circle = check_member(circle, role)
    if role != "owner":
        raise Forbidden("Only the owner of a circle may do that.")
    return circle


def check_removes(role: MemberRole | None, target: MemberRole) -> None:
    """An owner removes everybody else, a moderator members; nobody removes an owner."""
    if target == "owner" or (target == "moderator" and role != "owner"):
        raise Forbidden("Only the owner of a circle may do that.")


def check_joinable(circle: Circle | None, *, barred: bool) -> Circle:
    """For a circle that the asker sees and is no member of."""
    if circle is None:
        raise NotFound
    if circle.is_private:
        raise Forbidden("This circle is private: please accept the invitation into it.")
    if barred:
        raise Forbidden("You were removed from this circle. Who looks after it can invite you again.")
    return circle


def check_leaves(circle: Circle | None, role: MemberRole | None, hidden: int) -> Circle:
    """An owner who leaves others behind hands the circle over first, but for the `hidden` they do not see."""
    circle = check_member(circle, role)
    if role == "owner" and circle.member_count - hidden > 1:
        raise Conflict("Please hand the circle over before you leave it.")
    return circle


def sees_tracker(tracker: Tracker | None, user_id: str) -> Tracker:
    if tracker is None or tracker.account_id != user_id:
        raise NotFound
    return tracker


def hears_room(kind: str, id: str, user: User, *, role: MemberRole | None) -> bool:
    """Rooms whose name alone decides; `post` rooms are decided by the post."""
    if kind == "user":
        return id == user.id
    return kind == "feed" or (kind == "circle" and role is not None)
