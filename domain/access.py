"""Who may see and do what: pure rules, called by every command. A stranger learns nothing from a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.errors import Forbidden, Gone, NotFound

if TYPE_CHECKING:
    from domain.accounts import Role, User
    from domain.circles import Circle, MemberRole
    from domain.posts import Post
    from domain.trackers import Tracker

MODERATORS: frozenset[Role] = frozenset({"moderator", "admin"})


def check_operator(user: User) -> None:
    """For queues, lanes and workers: they show no content, but stopping them stops help."""
    if user.role != "admin":
        raise Forbidden


def check_moderator(user: User) -> None:
    if user.role not in MODERATORS:
        raise Forbidden


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


def sees_circle(circle: Circle | None, role: MemberRole | None) -> Circle:
    if circle is None or (circle.is_private and role is None):
        raise NotFound
    return circle


def check_member(circle: Circle | None, role: MemberRole | None) -> Circle:
    circle = sees_circle(circle, role)
    if role is None:
        raise Forbidden("Only members may do that.")
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
