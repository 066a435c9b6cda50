"""What an erasure takes away, kind by kind. Another kind is one more line in `STEPS`.

A step takes away at most `limit` things of one account and returns how many it took, 0 when nothing is left.
It may die anywhere and is then done again; what it tells others is told once.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, get_args

from domain import care, circles, ladder, rooms, support
from domain.belongings import BelongingKind
from domain.circles import Member
from domain.events import Event
from domain.ids import derived_id
from domain.jobs import Job
from domain.ladder import support_ref
from domain.ports import Given, Ports
from domain.posts import Post, PostFilter, PostStatus
from domain.responses import Response


class Whose(NamedTuple):
    """The account that goes, and the id that takes its place where others need one."""

    account_id: str
    stand_in: str


Step = Callable[[Whose, int, Ports], Awaitable[int]]

REASON = "deleted"
"""As when somebody deletes one thing: that the author is gone is not for others to know."""


async def withdraw(account_id: str, ports: Ports) -> None:
    """Every word at once, however many there are and whatever else is away: nothing else is told by it."""
    await ports.content.posts.withdraw(account_id)
    await ports.content.responses.withdraw(account_id)


async def tell_gone(whose: Whose, limit: int, ports: Ports) -> None:
    """Tells first what takes longer to take away: phones that show it follow at once."""
    await _told_posts(whose, limit, ports)
    await _told_responses(await ports.content.responses.by_author(whose.account_id, None, limit), ports)


async def erase_posts(whose: Whose, limit: int, ports: Ports) -> int:
    """Posts go as they go when their time is over, threads with them: those who helped keep their points."""
    await withdraw(whose.account_id, ports)
    found = await _told_posts(whose, limit, ports)
    heard = {room for post in found for room in [*post.rooms, rooms.post_room(post.id)]}
    await _redact(heard, whose, ports)
    return sum([await _erase_post(post, whose, ports) for post in found])


async def _told_posts(whose: Whose, limit: int, ports: Ports) -> list[Post]:
    """Posts of the account, once it is told that they are gone."""
    wanted = PostFilter(author_id=whose.account_id, statuses=get_args(PostStatus))
    found = await ports.content.posts.page(wanted, None, limit)
    await _tell([removed_post(post, ports) for post in found if post.expires_at > ports.now()], [], ports)
    return found


async def _erase_post(post: Post, whose: Whose, ports: Ports) -> bool:
    """The post itself comes last: whatever dies before is done again."""
    await care.empty_thread(post.id, ports)
    return await ports.content.posts.erase(post.id, whose.stand_in, shared_rooms(post))


def shared_rooms(post: Post) -> list[str]:
    return [room for room in post.rooms if rooms.split(room)[0] != "user"]


def removed_post(post: Post, ports: Ports) -> Event:
    return Event(
        id=derived_id("post:removed", post.id, "erased"),
        name="post:removed",
        at=ports.now(),
        refs={"post_id": post.id, "reason": REASON},
        actor=post.author_id,
    )


async def erase_responses(whose: Whose, limit: int, ports: Ports) -> int:
    await withdraw(whose.account_id, ports)
    found = await ports.content.responses.by_author(whose.account_id, None, limit)
    threads, told = await _told_responses(found, ports)
    await _redact({room for post in threads.values() for room in thread_rooms(post)}, whose, ports)
    return sum([await _erase_response(one, one.id in told, ports) for one in found])


async def _told_responses(found: Sequence[Response], ports: Ports) -> tuple[dict[str, Post], frozenset[str]]:
    """Their threads, and the ids of those that counted there, once it is told that they are gone."""
    threads = await _posts({one.post_id for one in found}, ports)
    counted = [one for one in found if one.status in {"live", "expired"} and one.post_id in threads]
    told = [removed_response(one, ports) for one in counted]
    await _tell(told, [(one.post_id, one.id) for one in counted], ports)
    return threads, frozenset(one.id for one in counted)


async def _erase_response(response: Response, counted: bool, ports: Ports) -> bool:
    deleted = await ports.content.responses.delete(response.id)
    if deleted and counted:
        await ports.content.posts.count_response(response.post_id, -1)
    return deleted


def removed_response(response: Response, ports: Ports) -> Event:
    refs = {"post_id": response.post_id, "response_id": response.id, "reason": REASON}
    return Event(
        id=derived_id("response:removed", response.id, "erased"),
        name="response:removed",
        at=ports.now(),
        refs=refs,
        actor=response.author_id,
    )


def thread_rooms(post: Post) -> list[str]:
    return [rooms.post_room(post.id), rooms.user_room(post.author_id)]


async def erase_supports(whose: Whose, limit: int, ports: Ports) -> int:
    given = await ports.content.supports.by_giver(whose.account_id, "", limit)
    threads = await _posts({one.post_id for one in given}, ports)
    taken = sum([await _erase_support(one, one.post_id in threads, whose, ports) for one in given])
    refs = [(one.post_id, support_ref(one.post_id, whose.account_id, one.kind)) for one in given]
    told = [support.changed_event(post, ports) for post in threads.values()]
    await _tell(told, [ref for ref in refs if ref[0] in threads], ports)
    return taken


async def _erase_support(given: Given, counted: bool, whose: Whose, ports: Ports) -> bool:
    removed = await ports.content.supports.remove(given.post_id, whose.account_id, given.kind)
    if removed and counted:
        await ports.content.posts.count_support(given.post_id, given.kind, -1)
    return removed


async def _posts(ids: set[str], ports: Ports) -> dict[str, Post]:
    """Those whose time is not over: only they still count and are still heard of."""
    found = [await ports.content.posts.get(id) for id in sorted(ids)]
    return {post.id: post for post in found if post is not None and post.status != "expired"}


async def _tell(told: Sequence[Event], withdrawn: Sequence[tuple[str, str]], ports: Ports) -> None:
    """`withdrawn` names (post, answer) pairs: an SOS that such an answer had ended may climb on."""
    if not told:
        return
    owed: list[Job] = []
    async with ports.transaction() as tx:
        await tx.outbox.add_many(told)
        for post_id, ref in sorted(withdrawn):
            owed += await ladder.note_withdrawal(post_id, ref, tx)
    ports.announcer.announce(*told, jobs=owed)


async def _redact(heard: set[str], whose: Whose, ports: Ports) -> None:
    for room in sorted(heard):
        await ports.rooms.redact(room, whose.account_id)


async def leave_circles(whose: Whose, limit: int, ports: Ports) -> int:
    """An owned circle goes to its eldest moderator, else its eldest member; an empty one is closed."""
    mine = (await ports.records.circles.of_account(whose.account_id))[:limit]
    await _redact({rooms.circle_room(member.circle_id) for member in mine}, whose, ports)
    for member in mine:
        await _leave(member, ports)
    return len(mine)


async def _leave(member: Member, ports: Ports) -> None:
    told = [circles.member_event(member.circle_id, member.account_id, "left", ports)]
    async with ports.transaction() as tx:
        await tx.circles.lock(member.circle_id)
        if not await tx.circles.leave(member.circle_id, member.account_id):
            return
        await tx.invitations.revoke_around(member.circle_id, member.account_id)
        if heir := await tx.circles.inherit(member.circle_id):
            told.append(circles.member_event(member.circle_id, heir, "role_changed", ports))
        await tx.circles.close_empty(member.circle_id)
        await tx.outbox.add_many(told)
    ports.announcer.announce(*told)


async def take_back_invitations(whose: Whose, limit: int, ports: Ports) -> int:
    """Into circles, made or received; those who were invited no longer read by whom."""
    found = await ports.records.invitations.of_person(whose.account_id, "", limit)
    invited = {one.account_id for one in found if one.account_id and one.inviter_id == whose.account_id}
    await _redact({rooms.user_room(account_id) for account_id in invited}, whose, ports)
    return sum([await ports.records.invitations.revoke(one.id) for one in found])


async def forget_own_room(whose: Whose, limit: int, ports: Ports) -> int:
    """Everything that was told to the person alone."""
    return await ports.rooms.forget(rooms.user_room(whose.account_id))


async def close_cases(whose: Whose, limit: int, ports: Ports) -> int:
    """Cases about the person are over; who decided what stays, without them."""
    await ports.records.cases.close_about(whose.account_id, "erased", ports.now())
    return await ports.records.belongings.forget("moderation", whose.account_id, whose.stand_in, limit)


def rows(kind: BelongingKind) -> Step:
    """A step that only PostgreSQL knows of."""

    async def step(whose: Whose, limit: int, ports: Ports) -> int:
        return await ports.records.belongings.forget(kind, whose.account_id, whose.stand_in, limit)

    return step


STEPS: Mapping[str, Step] = {
    "posts": erase_posts,
    "responses": erase_responses,
    "supports": erase_supports,
    "voice_notes": lambda whose, limit, ports: ports.content.voice_notes.forget(whose.account_id, limit),
    "check_ins": lambda whose, limit, ports: ports.content.checkins.forget(whose.account_id, limit),
    "cravings": lambda whose, limit, ports: ports.content.cravings.forget(whose.account_id, limit),
    "trackers": rows("trackers"),
    "invitations": take_back_invitations,
    "circles": leave_circles,
    "blocks": rows("blocks"),
    "devices": rows("devices"),
    "notifications": rows("notifications"),
    "preferences": rows("preferences"),
    "helping": rows("helping"),
    "attention": rows("attention"),
    "ladders": rows("ladders"),
    "activities": rows("activities"),
    "points": rows("points"),
    "thanks": rows("thanks"),
    "reports": rows("reports"),
    "moderation": close_cases,
    "room_events": forget_own_room,
}
"""docs/privacy.md tells what becomes of each. What hangs on the account or its sessions goes with them."""

SEEN_BY_OTHERS = ("posts", "responses", "supports")
"""Withdrawn before the request is answered."""
