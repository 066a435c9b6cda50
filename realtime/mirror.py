"""A mirror: what one server knows of one room's log, and so what is new, what a hole, what to replay."""

import asyncio
from collections import deque

from domain.rooms import Logged, Position, Slice


class Mirror:
    """`seq` is the newest event delivered here; `tail` holds events from `tail_after` (exclusive) on.

    `whole`: reading the log would show nothing older than the tail.
    `heard`: the newest event that could not be delivered; `behind`: there may be one that was not heard.
    `begun`: the first attempt to read the log is over. `following`: somebody brings it up to date.
    `guests`: joins in progress. `empty_since`: when it was first seen without members.
    """

    __slots__ = (
        "begun",
        "behind",
        "empty_since",
        "epoch",
        "following",
        "guests",
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
        self.begun = asyncio.Event()
        self.following = False
        self.guests = 0
        self.empty_since: float | None = None
        self.whole = False
        self.heard: Logged | None = None
        self.behind = False

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
        """Since this was last asked something newer was heard, or nothing could be heard for a while."""
        heard, self.heard = self.heard, None
        behind, self.behind = self.behind, False
        return behind or (heard is not None and not self.is_old(heard))

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
        """What was delivered does not lead up to here: another life of the log, or a hole in it."""
        self.epoch, self.seq = epoch, seq
        self.forget_tail()

    def leads_to(self, log: Slice) -> bool:
        """Everything in the log beyond us can be delivered from `log`, without a hole."""
        if log.epoch != self.epoch:
            return False
        new = self.new_in(log)
        return new[0].previous <= self.seq if new else log.seq <= self.seq

    def new_in(self, log: Slice) -> list[Logged]:
        return [event for event in log.events if event.seq > self.seq]

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
        if position is None or not self.known or position.epoch != self.epoch:
            return None
        if position.seq < self.tail_after:
            return None
        newer: list[Logged] = []
        for event in reversed(self.tail):
            if event.seq <= position.seq:
                break
            newer.append(event)
        newer.reverse()
        return newer
