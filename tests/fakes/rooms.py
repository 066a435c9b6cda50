"""Room logs in memory, with the ways in which the real ones lose things."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.events import Publication
from domain.rooms import REDACTED, REDACTED_BODY, REMOVALS, Logged, Position, Slice

RESTART_JUMP = 1_000_000


@dataclass
class Log:
    run: str
    epoch: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    seq: int = 0
    events: list[Logged] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)


class FakeRoomLogs:
    def __init__(self, *, events_max: int) -> None:
        self._events_max = events_max
        self._run = secrets.token_hex(8)
        self._logs: dict[str, Log] = {}
        self.told: list[tuple[str, str, str, bytes]] = []

    def _log(self, room: str) -> Log:
        return self._logs.setdefault(room, Log(self._run))

    async def publish(self, publication: Publication) -> int:
        log = self._log(publication.room)
        if publication.event_id not in log.known:
            self._append(publication, log)
        return log.known[publication.event_id]

    def _append(self, publication: Publication, log: Log) -> None:
        room, event_id, event, actor, body, shares = publication
        previous = log.seq
        log.seq += 1 if log.run == self._run else RESTART_JUMP
        log.run = self._run
        head = f'{{"room":"{room}","seq":{log.seq},"epoch":"{log.epoch}",'.encode()
        log.events.append(Logged(log.seq, previous, log.epoch, event, actor, head + body, shares))
        del log.events[: -self._events_max]
        log.known[event_id] = log.seq

    async def tell(self, room: str, event: str, actor: str, body: bytes) -> None:
        self.told.append((room, event, actor, body))

    async def read(self, room: str, after: int, limit: int) -> Slice:
        log = self._log(room)
        newer = [event for event in log.events if event.seq > after]
        return Slice(log.epoch, log.seq, newer[-limit:] if limit else [])

    async def redact(self, room: str, actor: str) -> int:
        log = self._log(room)
        found = [one for one in log.events if one.actor == actor and one.event not in REMOVALS]
        log.events = [
            one._replace(event=REDACTED, actor="", body=REDACTED_BODY) if one in found else one
            for one in log.events
        ]
        return len(found)

    async def forget(self, room: str) -> int:
        log = self._logs.pop(room, None)
        return len(log.events) if log else 0

    async def server_run(self) -> str:
        return self._run

    async def positions(self, rooms: Sequence[str]) -> dict[str, Position]:
        logs = {room: self._log(room) for room in rooms}
        return {room: Position(epoch=log.epoch, seq=log.seq) for room, log in logs.items()}

    def flush(self) -> None:
        """FLUSHALL."""
        self._logs.clear()

    def restart(self, *, losing: int = 0) -> None:
        """A crash of the server that takes the newest events of every room with it."""
        self._run = secrets.token_hex(8)
        for log in self._logs.values():
            for lost in log.events[len(log.events) - losing :]:
                log.known = {id: seq for id, seq in log.known.items() if seq != lost.seq}
                log.seq = min(log.seq, lost.previous)
            del log.events[len(log.events) - losing :]
