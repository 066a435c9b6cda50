"""What repositories run their statements on, and the few parts of a statement that vary."""

from collections.abc import Mapping
from typing import Any, Protocol

from asyncpg import Record


class Db(Protocol):
    """The pool (`Database`) or one transaction (`Statements`)."""

    async def fetch(self, query: str, *args: Any) -> list[Record]: ...

    async def fetchrow(self, query: str, *args: Any) -> Record | None: ...

    async def fetchval(self, query: str, *args: Any) -> Any: ...

    async def execute(self, query: str, *args: Any) -> str: ...


def assignments(changes: Mapping[str, object], first: int) -> str:
    """`handle = $2, avatar = $3` for the names of `changes`, which are ours and never a client's."""
    for name in changes:
        if not name.isidentifier():
            raise ValueError(f"not a column: {name!r}")
    return ", ".join(f"{name} = ${index}" for index, name in enumerate(changes, first))


def changed(status: str) -> bool:
    """Whether a command tag (`UPDATE 1`, `INSERT 0 1`) tells of at least one row."""
    return not status.endswith(" 0")
