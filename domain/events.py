"""Events: what is told to rooms and to workers after a commit, and how it gets there.

An event holds ids only. What a room hears is composed from the current state when it is told, so a
retold event never brings back what was removed meanwhile.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from domain.clock import rfc3339
from domain.errors import DomainError
from domain.jobs import Job
from domain.ports import Ports, Records

log = logging.getLogger(__name__)

TELL_SECONDS = 1.0
"""Nobody who waits for the telling of what they did waits longer; the relay sees to the rest."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened. `actor` is the account that did it; blocked readers do not hear of it.
    Where many did it (`actor` is empty), `refs["about"]` may name the account that it happened to.

    An `at` in the near future is when it is told: what happens until then shares its id and its telling.
    """

    id: str
    name: str
    at: datetime
    refs: dict[str, str]
    actor: str = ""
    traceparent: str | None = None
    """The trace it belongs to, see `domain.trace`; known of events that the outbox gives back."""


class Publication(NamedTuple):
    """One event for one room; `body` is everything of the envelope but room, seq and epoch.

    `shares` is for servers only: see `domain.shares`.
    """

    room: str
    event_id: str
    event: str
    actor: str
    body: bytes
    shares: bytes = b""


Told = tuple[list[str], object] | tuple[list[str], object, bytes]
"""The rooms and the data of an event, and the shares in its counts where it has any."""
Composer = Callable[[Event, Ports], Awaitable[Told | None]]
"""What is to be told as things are now, or None when that is nothing any more."""

_composers: dict[str, Composer] = {}


def composes(name: str) -> Callable[[Composer], Composer]:
    """Registers who composes events of this name."""

    def register(composer: Composer) -> Composer:
        _composers[name] = composer
        return composer

    return register


async def record(event: Event, jobs: Sequence[Job], tx: Records) -> list[Job]:
    """The outbox row of an event and the jobs it calls for, in the transaction of what it tells about.

    Returns the jobs to push after the commit.
    """
    await tx.outbox.add(event)
    return await tx.jobs.add(jobs) if jobs else []


async def compose(event: Event, ports: Ports) -> list[Publication]:
    composer = _composers.get(event.name)
    told = await composer(event, ports) if composer else None
    if told is None:
        return []
    rooms, data, *shares = told
    body = envelope(event, data)
    shunned = event.actor or event.refs.get("about", "")
    return [Publication(room, event.id, event.name, shunned, body, *shares) for room in rooms]


def envelope(event: Event, data: object) -> bytes:
    """The JSON members `"event_id": …, "at": …, "data": …}`; the room log puts the others before them."""
    fields = {"event_id": event.id, "at": rfc3339(event.at), "data": data}
    return msgspec.json.encode(fields)[1:]


async def tell(event: Event, ports: Ports) -> None:
    """Publishes to every room and marks the outbox row done. Telling twice changes nothing.

    Rooms live on several servers: one that is away keeps the row open and does not silence the others.
    """
    published = await asyncio.gather(
        *(ports.rooms.publish(publication) for publication in await compose(event, ports)),
        return_exceptions=True,
    )
    for outcome in published:
        if isinstance(outcome, BaseException):
            raise outcome
    await ports.records.outbox.mark_done(event.id, ports.now())


class Announcer:
    """Tells committed events and pushes committed jobs from this process, off the way of the ack.

    What one account did is told in the order it was done. Bounded: above `announce_pending_max` events and
    jobs stay where they were committed, for the relay.
    """

    def __init__(self, ports: Callable[[], Ports]) -> None:
        self._ports = ports
        self._pending: set[asyncio.Task[None]] = set()
        self._latest: dict[str, asyncio.Task[None]] = {}

    @property
    def pending(self) -> int:
        return len(self._pending)

    async def tell(self, event: Event) -> None:
        """Returns once it is told, or left to the relay: what is answered after that comes after it."""
        if (task := self.announce(event)) is not None:
            await asyncio.wait([task], timeout=TELL_SECONDS)

    def announce(self, *events: Event, jobs: Sequence[Job] = ()) -> asyncio.Task[None] | None:
        """Starts telling `events` in their order; returns at once."""
        ports = self._ports()
        if self.pending >= ports.settings.announce_pending_max:
            log.warning("announce.left_to_relay", extra={"pending": self.pending})
            return None
        actor = events[0].actor if events else ""
        earlier = self._latest.get(actor) if actor else None
        task = asyncio.create_task(self._announce(earlier, events, jobs, ports), name="announce")
        self._pending.add(task)
        if actor:
            self._latest[actor] = task
        task.add_done_callback(lambda done: self._done(done, actor))
        return task

    def _done(self, task: asyncio.Task[None], actor: str) -> None:
        self._pending.discard(task)
        if self._latest.get(actor) is task:
            del self._latest[actor]

    async def _announce(
        self, earlier: asyncio.Task[None] | None, events: Sequence[Event], jobs: Sequence[Job], ports: Ports
    ) -> None:
        """A failure is reported and left to the relay: nobody waits here who could be told."""
        if earlier is not None:
            await asyncio.wait([earlier])
        try:
            await _push_and_tell(events, jobs, ports)
        except DomainError as error:
            log.warning("announce.left_to_relay", extra={"code": error.code, "events": ids(events)})
        except Exception:
            log.exception("announce.failed", extra={"events": ids(events)})

    async def drain(self) -> None:
        """Waits until everything started has been told or left to the relay."""
        while self._pending:
            await asyncio.wait(self._pending)


async def _push_and_tell(events: Sequence[Event], jobs: Sequence[Job], ports: Ports) -> None:
    if jobs:
        await ports.queue.push(jobs)
    for event in events:
        await asyncio.sleep((event.at - ports.now()).total_seconds())
        await tell(event, ports)


def ids(events: Sequence[Event]) -> list[str]:
    return [event.id for event in events]
