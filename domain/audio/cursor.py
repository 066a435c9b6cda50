"""A cursor over bytes that somebody sent: reading past their end is a refusal, not an accident."""

from typing import Literal

PARTS_MAX = 30_000
"""Pages, elements or boxes of one file, so that a file of nothing else costs little."""


class Unreadable(Exception):
    """This is not a sound recording that we can read."""


class Cursor:
    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end

    @property
    def left(self) -> int:
        return self.end - self.at

    def take(self, size: int) -> bytes:
        self.skip(size)
        return self.data[self.at - size : self.at]

    def skip(self, size: int) -> None:
        if not 0 <= size <= self.left:
            raise Unreadable
        self.at += size

    def number(self, size: int, order: Literal["big", "little"] = "big") -> int:
        return int.from_bytes(self.take(size), order)
