"""A mirror: what one server knows of one room's log, and so what is new, what a hole, what to replay."""

import asyncio
from collections import deque

from domain.rooms import Logged, Position


class Mirror:
    """`seq` is the newest event delivered here; `tail` holds events from `tail_after` (exclusive) on.

    `whole`: the log has nothing older than the tail. `heard`: the newest event that could not be delivered.
    """

    __slots__ = (
        "epoch",
        "filling",
        "heard",
        "lock",
        "room",
        "seq",
        "tail",
        "tail_after",
        "tail_bytes",
        "whole",
    )

    def __init__(self, room: str) -> None:
        self.room = room
        self.epoch = ""
        self.seq = 0
        self.tail: deque[Logged] = deque()
        self.tail_after = 0
        self.tail_bytes = 0
        self.lock = asyncio.Lock()
        self.filling = False
        self.whole = False
        self.heard: Logged | None = None

    @property
    def known(self) -> bool:
        """False until the log was read once."""
        return bool(self.epoch)

    def is_next(self, event: Logged) -> bool:
        """Nothing lies between what was delivered and `event`."""
        return event.epoch == self.epoch and event.previous <= self.seq

    def is_old(self, event: Logged) -> bool:
        return event.epoch == self.epoch and event.seq <= self.seq

    def fell_behind(self) -> bool:
        """Something newer was heard since this was last asked."""
        heard, self.heard = self.heard, None
        return heard is not None and not self.is_old(heard)

    def append(self, event: Logged, events_max: int) -> None:
        self.seq = event.seq
        self.tail.append(event)
        self.tail_bytes += len(event.body)
        while len(self.tail) > events_max:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        oldest = self.tail.popleft()
        self.tail_after = oldest.seq
        self.tail_bytes -= len(oldest.body)

    def forget_tail(self) -> None:
        """Gives the memory back; replays are read from the log again."""
        self.tail.clear()
        self.whole = False
        self.tail_after, self.tail_bytes = self.seq, 0

    def start_over(self, epoch: str, seq: int) -> None:
        """The log began a new life."""
        self.epoch, self.seq = epoch, seq
        self.forget_tail()

    def keep_all(self, events: list[Logged]) -> None:
        """Takes the events of the whole log as the tail; they have been delivered up to `seq`."""
        newer = [event for event in self.tail if not events or event.seq > events[-1].seq]
        self.tail = deque([*events, *newer])
        self.whole = True
        self.tail_after = self.tail[0].previous if self.tail else self.seq
        self.tail_bytes = sum(len(event.body) for event in self.tail)

    def covers(self, position: Position) -> bool:
        """The tail alone can say what a reader at `position` missed, or that the epoch is another one."""
        return self.whole or position.epoch != self.epoch or position.seq >= self.tail_after

    def missed(self, position: Position | None) -> list[Logged] | None:
        """Events after `position` in order, or None when that cannot be proved; only for what is covered."""
        if position is None or position.epoch != self.epoch or position.seq < self.tail_after:
            return None
        return [event for event in self.tail if event.seq > position.seq]
