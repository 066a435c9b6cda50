"""Uploads: a file as the body of a request, of a bounded size, and so many at once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from domain.errors import Unavailable
from domain.settings import Settings

RETRY_AFTER_SECONDS = 2


class Upload(NamedTuple):
    """The field of the command that the file becomes, what it may be called, and its bound in bytes.

    The other fields of the command come in the address.
    """

    field: str
    media: tuple[str, ...]
    bytes_max: Callable[[Settings], int]


class Berths:
    """Room for `most` at once in this process: what arrives slowly is held in memory meanwhile."""

    def __init__(self, most: int) -> None:
        self._free = most

    @contextmanager
    def one(self) -> Iterator[None]:
        """Raises `Unavailable` when all are taken."""
        if self._free == 0:
            raise Unavailable(retry_after=RETRY_AFTER_SECONDS)
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1
