"""What helping has come to: the ledger as its owner sees it, and what one gave and received."""

from domain import pages, points
from domain.accounts import User
from domain.clock import rfc3339
from domain.errors import Invalid
from domain.pages import Cursor
from domain.points import Entry
from domain.ports import Ports
from domain.wire import View


class EntryView(View, frozen=True):
    """`kind` is a quick support's kind, `text` or `voice`; `ref` the response or support that earned it."""

    change: int
    reason: points.Reason
    kind: str
    post_id: str
    ref: str
    at: str


class PointsPage(View, frozen=True):
    """`next_level_at` is null on the last level."""

    balance: int
    level: int
    next_level_at: int | None
    items: list[EntryView]
    next_cursor: str | None


class Stats(View, frozen=True):
    """Help counts once per person, post and kind; `first_answers`: how often I was first to answer an SOS."""

    given: int
    received: int
    people_helped: int
    first_answers: int


async def my_points(user: User, ports: Ports, *, cursor: str | None, limit: int) -> PointsPage:
    """Entries come newest first."""
    ledger = ports.records.ledger
    found = await ledger.page(user.id, number_of(pages.decode_cursor(cursor)), limit + 1)
    balance = await ledger.balance(user.id)
    more = len(found) > limit
    return PointsPage(
        balance=balance,
        level=points.level(balance),
        next_level_at=points.next_level_at(balance),
        items=[entry_view(line.entry) for line in found[:limit]],
        next_cursor=pages.encode_cursor([found[limit - 1].number]) if more else None,
    )


def number_of(after: Cursor | None) -> int | None:
    match after:
        case None:
            return None
        case [int(number)]:
            return number
    raise Invalid("This cursor belongs to another list.", field="cursor")


def entry_view(entry: Entry) -> EntryView:
    return EntryView(
        change=entry.change,
        reason=entry.reason,
        kind=entry.kind,
        post_id=entry.post_id,
        ref=entry.ref,
        at=rfc3339(entry.created_at),
    )


async def my_stats(user: User, ports: Ports) -> Stats:
    counts = await ports.records.ledger.help_counts(user.id)
    return Stats(
        given=counts.given,
        received=counts.received,
        people_helped=counts.people_helped,
        first_answers=await ports.records.ladders.first_answers(user.id),
    )
