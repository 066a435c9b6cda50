"""Quick support: one tap that says somebody is there, and the points helping earns."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from domain import access, activity, events, ladder, limits, points, posts, rooms, shares
from domain.accounts import User
from domain.events import Event
from domain.ids import derived_id
from domain.jobs import Job
from domain.ladder import support_ref
from domain.points import Entry
from domain.ports import Ports, Records
from domain.posts import Post
from domain.wire import Command, Id, View

QuickKind = Literal[
    "you_got_this", "stay_strong", "proud_of_you", "been_there", "sending_strength", "one_day_at_a_time"
]
TELLINGS_PER_SECOND = 5
"""`support:changed` of one post is told at most this often; taps in between share one telling."""
HELP_MAX = 500
"""So many responses to a post that comes back are looked at for points that they never got."""


class GiveSupport(Command, frozen=True):
    post_id: Id
    kind: QuickKind


class UndoSupport(Command, frozen=True):
    post_id: Id
    kind: QuickKind


class SupportAnswer(View, frozen=True):
    counts: dict[str, int]
    mine: list[str]


class SupportChanged(View, frozen=True):
    """Data of `support:changed`."""

    post_id: str
    counts: dict[str, int]


class PointsChanged(View, frozen=True):
    """Data of `points:changed`; `ref` is the post or the response that earned it."""

    balance: int
    change: int
    reason: str
    ref: str


async def give_support(command: GiveSupport, user: User, ports: Ports) -> SupportAnswer:
    """A second tap of the same kind changes nothing and answers the same."""
    await limits.check("supports", user.id, ports.settings.quick_supports_per_minute, limits.MINUTE, ports)
    post = await posts.visible_post(command.post_id, user, ports)
    access.check_answerable(post)
    if await ports.content.supports.add(post.id, user.id, command.kind, ports.now()):
        post = await ports.content.posts.count_support(post.id, command.kind, 1) or post
    blocked = await ports.records.blocks.around(user.id)
    post = await shares.note(post, blocked, ports)
    await _tell_given(post, command.kind, user, ports)
    return await _answer(post, user, blocked, ports)


async def undo_support(command: UndoSupport, user: User, ports: Ports) -> SupportAnswer:
    """Undoing again answers the same."""
    post = await posts.visible_post(command.post_id, user, ports)
    if await ports.content.supports.remove(post.id, user.id, command.kind):
        post = await ports.content.posts.count_support(post.id, command.kind, -1) or post
    else:
        most = ports.settings.quick_supports_per_minute
        await limits.check("supports", user.id, most, limits.MINUTE, ports)
    await _tell_undone(post, support_ref(post.id, user.id, command.kind), ports)
    return await _answer(post, user, await ports.records.blocks.around(user.id), ports)


async def _tell_undone(post: Post, ref: str, ports: Ports) -> None:
    """Also where there is nothing to undo any more: the first try may have died between the stores."""
    event = changed_event(post, ports)
    job = Job(
        name="reverse_points",
        args={"post_id": post.id, "ref": ref},
        key=f"reverse_points:{ref}",
        lane="default",
        repeats=True,
    )
    async with ports.transaction() as tx:
        owed = await events.record(event, [job], tx)
        owed += await ladder.note_withdrawal(post.id, ref, tx)
    ports.announcer.announce(event, jobs=owed)


async def _answer(post: Post, user: User, blocked: frozenset[str], ports: Ports) -> SupportAnswer:
    mine = await ports.content.supports.kinds_of(post.id, user.id)
    (seen,) = await posts.counted_without(blocked, [post], ports)
    return SupportAnswer(counts=posts.shown(seen.supports), mine=sorted(mine))


async def _tell_given(post: Post, kind: str, user: User, ports: Ports) -> None:
    """Also after a second tap: the first may have died between the stores."""
    event = changed_event(post, ports)
    now, ref = ports.now(), support_ref(post.id, user.id, kind)
    async with ports.transaction() as tx:
        owed = await events.record(event, jobs_of(post, kind, user, now), tx)
        noted = await ladder.note_answer(post, user.id, ref, now, tx)
    ports.announcer.announce(*noted.told, event, jobs=[*owed, *noted.owed])


def changed_event(post: Post, ports: Ports) -> Event:
    """The event of the current fifth of a second, told at its end, when all its taps are counted."""
    step = timedelta(seconds=1) / TELLINGS_PER_SECOND
    epoch = datetime(2000, 1, 1, tzinfo=UTC)
    bucket = (ports.now() - epoch) // step
    return Event(
        id=derived_id("support:changed", post.id, str(bucket)),
        name="support:changed",
        at=epoch + (bucket + 1) * step,
        refs={"post_id": post.id, "about": post.author_id},
    )


def jobs_of(post: Post, kind: str, user: User, at: datetime) -> list[Job]:
    """Nobody is scored or notified for their own post. Scoring repeats: what was given may have been taken
    back and given again."""
    ref = support_ref(post.id, user.id, kind)
    jobs = [activity.activity_job(user.id, "support", ref, at)]
    if user.id == post.author_id:
        return jobs
    score = Job(
        name="score_support",
        args={"post_id": post.id, "giver_id": user.id, "kind": kind, "ref": ref},
        key=f"score_support:{ref}",
        lane="default",
        repeats=True,
    )
    notify = Job(
        name="notify",
        args={
            "account_id": post.author_id,
            "kind": "support",
            "event_id": ref,
            "post_id": post.id,
            "actor_id": user.id,
        },
        key=f"notify:{post.author_id}:{ref}",
        lane="default",
    )
    return [*jobs, score, notify]


async def score_support(post_id: str, giver_id: str, kind: str, ref: str, ports: Ports) -> None:
    """Awards the points of one support, once per (giver, post, kind); safe to run again.

    What was taken back and is given again, or said again in other words, has its old points again. What was
    removed while this ran is looked for afterwards: its reversal may have come before the award.
    """
    post = await ports.content.posts.get(post_id)
    change = await _worth(post, giver_id, kind, ref, ports)
    is_new = post is not None and change > 0 and await _award(post, giver_id, kind, ref, change, ports)
    if not is_new or await _is_gone(post_id, giver_id, kind, ref, ports):
        await settle_points(post_id, ref, ports)


async def _is_gone(post_id: str, giver_id: str, kind: str, ref: str, ports: Ports) -> bool:
    """Taken out of sight, that is; what only expired keeps what it earned."""
    post = await ports.content.posts.get(post_id)
    if post is None or post.status not in {"live", "closed", "expired"}:
        return True
    return post.status != "expired" and await _worth_of_kind(post_id, giver_id, kind, ref, ports) == 0


async def _worth(post: Post | None, giver_id: str, kind: str, ref: str, ports: Ports) -> int:
    """0 for oneself, for what is gone, and for what the giver may not see."""
    if post is None or post.author_id == giver_id or post.status not in {"live", "closed"}:
        return 0
    role = await ports.records.circles.role_of(post.circle_id, giver_id) if post.circle_id else None
    blocked = await ports.records.blocks.around(giver_id)
    if not access.sees_post(post, giver_id, role=role, blocked=blocked):
        return 0
    return await _worth_of_kind(post.id, giver_id, kind, ref, ports)


async def _worth_of_kind(post_id: str, giver_id: str, kind: str, ref: str, ports: Ports) -> int:
    if kind in {"text", "voice"}:
        response = await ports.content.responses.get(ref)
        if response is None or response.status != "live":
            return 0
        return points.worth(kind, len(response.content))
    given = await ports.content.supports.kinds_of(post_id, giver_id)
    return points.worth(kind) if kind in given else 0


async def _award(post: Post, giver_id: str, kind: str, ref: str, change: int, ports: Ports) -> bool:
    """False for what has its award already."""
    async with ports.transaction() as tx:
        entry = await _awarded(post, giver_id, kind, ref, change, tx, ports)
        is_new = await tx.ledger.add(entry)
        told = [points_event(entry)] if is_new and entry.change else []
        for event in told:
            await events.record(event, [], tx)
    ports.announcer.announce(*told)
    return is_new


async def _awarded(
    post: Post, giver_id: str, kind: str, ref: str, change: int, tx: Records, ports: Ports
) -> Entry:
    """The award under the cap of this day; its giver and receiver are held until the transaction ends."""
    await tx.ledger.lock_pair(giver_id, post.author_id)
    now = ports.now()
    left = points.within_cap(change, await tx.ledger.earned(giver_id, post.author_id, now.date()))
    return Entry(
        key=points.award_key(giver_id, post.id, kind),
        account_id=giver_id,
        change=left,
        reason="support",
        post_id=post.id,
        kind=kind,
        receiver_id=post.author_id,
        ref=ref,
        created_at=now,
    )


async def settle_points(post_id: str, ref: str | None, ports: Ports) -> None:
    """Makes what a post (or one response or support to it, `ref`) earned agree with what is there now.

    What was removed or taken back loses its points, what was brought back has them again; each once. Points
    outlive a post whose time is over.

    It looks again after everything it wrote: what it read before may have been over by then, and the one who
    changed it have found nothing to do.
    """
    awarded = await _awarded_ref(post_id, ref, ports) if ref else None
    while await _settled(post_id, awarded, ports):
        pass


async def _awarded_ref(post_id: str, ref: str, ports: Ports) -> str:
    """Of several responses of one person to a post, the one that earned what all of them stand for."""
    response = await ports.content.responses.get(ref)
    if response is None:
        return ref
    award = await ports.records.ledger.award(points.award_key(response.author_id, post_id, response.type))
    return award.ref if award else ref


async def _settled(post_id: str, ref: str | None, ports: Ports) -> bool:
    """Whether there was anything to correct."""
    post = await ports.content.posts.get(post_id)
    if post is not None and post.status == "expired":
        return False
    awards = [entries[0] for entries in by_award(await ports.records.ledger.of_post(post_id, ref))]
    stand = {award.key for award in awards if await _stands(award, post, ports)}
    corrected, told = False, []
    async with ports.transaction() as tx:
        for entries in in_order(by_award(await tx.ledger.of_post(post_id, ref))):
            entry = correction(entries, entries[0].key in stand, ports.now())
            if entry is not None and await tx.ledger.add(entry):
                corrected = True
                told += [points_event(entry)] if entry.change else []
        for event in told:
            await events.record(event, [], tx)
    ports.announcer.announce(*told)
    return corrected


async def bring_back_points(post_id: str, ref: str | None, ports: Ports) -> None:
    """As `settle_points`, for what is in sight again; what was not yet scored when it went is scored now."""
    await settle_points(post_id, ref, ports)
    scored = {award.key for award in await ports.records.ledger.awards(post_id, ref)}
    for giver_id, kind, given in await _help_given(post_id, ref, ports):
        if points.award_key(giver_id, post_id, kind) not in scored:
            await score_support(post_id, giver_id, kind, given, ports)


async def _help_given(post_id: str, ref: str | None, ports: Ports) -> list[tuple[str, str, str]]:
    """Giver, kind and ref of all that was given to a post, or of one response to it."""
    if ref is not None:
        response = await ports.content.responses.get(ref)
        return [(response.author_id, response.type, response.id)] if response else []
    taps = await ports.content.supports.given_to(post_id)
    said = await ports.content.responses.page(post_id, None, HELP_MAX)
    return [
        *((giver_id, kind, support_ref(post_id, giver_id, kind)) for giver_id, kind in taps),
        *((response.author_id, response.type, response.id) for response in said),
    ]


async def _stands(award: Entry, post: Post | None, ports: Ports) -> bool:
    """Also while another response of the giver stands that is worth as much: who says it again, better, does
    not lose what the first was worth."""
    if post is None or post.status not in {"live", "closed"}:
        return False
    if award.kind not in {"text", "voice"}:
        return await _worth_of_kind(post.id, award.account_id, award.kind, award.ref, ports) > 0
    said = await ports.content.responses.said_by(award.account_id, post.id)
    return any(
        one.id == award.ref or points.worth(one.type, len(one.content)) >= max(award.change, 1)
        for one in said
        if one.type == award.kind
    )


def by_award(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Each award with its corrections, in order."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        found.setdefault((entry.account_id, entry.kind), []).append(entry)
    return list(found.values())


def in_order(awards: list[list[Entry]]) -> list[list[Entry]]:
    """By giver, as every transaction that moves several balances: no two wait for each other."""
    return sorted(awards, key=lambda entries: entries[0].account_id)


def correction(entries: Sequence[Entry], stands: bool, now: datetime) -> Entry | None:
    """The next entry of an award that does not agree with what is there: corrections take it away and give it
    back in turns."""
    award, corrections = entries[0], len(entries) - 1
    given = corrections % 2 == 0
    if given == stands:
        return None
    reason: points.Reason = "reversal" if given else "correction"
    return corrected(award, -award.change if given else award.change, reason, corrections, now)


def corrected(award: Entry, change: int, reason: points.Reason, corrections: int, now: datetime) -> Entry:
    """The number of earlier corrections makes the key: of two at the same moment one is kept."""
    nth = f":{corrections}" if corrections else ""
    return Entry(
        key=f"{reason}{nth}:{award.key}",
        account_id=award.account_id,
        change=change,
        reason=reason,
        post_id=award.post_id,
        kind=award.kind,
        receiver_id=award.receiver_id,
        ref=award.ref,
        created_at=now,
    )


def points_event(entry: Entry) -> Event:
    return Event(
        id=derived_id("points:changed", entry.key),
        name="points:changed",
        at=entry.created_at,
        refs={
            "account_id": entry.account_id,
            "change": str(entry.change),
            "reason": entry.reason,
            "ref": entry.ref,
        },
    )


@events.composes("support:changed")
async def compose_changed(event: Event, ports: Ports) -> events.Told | None:
    """Told in the thread, where the post lives, and to its author."""
    post = await ports.content.posts.get(event.refs["post_id"])
    if post is None or post.status not in {"live", "closed"}:
        return None
    told = SupportChanged(post_id=post.id, counts=posts.shown(post.supports))
    home = [room for room in post.rooms if room != rooms.user_room(post.author_id)]
    heard = [rooms.post_room(post.id), *home, rooms.user_room(post.author_id)]
    return heard, told, await shares.of(post, ports)


@events.composes("points:changed")
async def compose_points(event: Event, ports: Ports) -> tuple[list[str], object]:
    account_id = event.refs["account_id"]
    told = PointsChanged(
        balance=await ports.records.ledger.balance(account_id),
        change=int(event.refs["change"]),
        reason=event.refs["reason"],
        ref=event.refs["ref"],
    )
    return [rooms.user_room(account_id)], told
