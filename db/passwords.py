"""Password hashing: argon2id through passlib's interface, in a bounded thread pool off the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from argon2.low_level import Type, hash_secret_raw
from passlib.context import CryptContext

TIME_COST, MEMORY_KIB, LANES = 3, 64 * 1024, 1
"""RFC 9106 §4, second recommended option (64 MiB), on one lane because requests already use the cores."""
STRETCHED_BYTES = 32
NOBODYS_HASH = (
    "$argon2id$v=19$m=65536,t=3,p=1$K8gHDeefvlbsZiQOpyFTQw$4HXkSwUb1o+NL9VSNkNydu9xlFOUnZzjcIlRA6XRewI"
)
"""Verified against when there is no account, so that the refusal takes as long. Nobody knows its password."""

T = TypeVar("T")


class PasswordHasher:
    def __init__(self, *, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="password")
        self._context: Any = CryptContext(  # type: ignore[no-untyped-call]
            schemes=["argon2"],
            argon2__type="ID",
            argon2__time_cost=TIME_COST,
            argon2__memory_cost=MEMORY_KIB,
            argon2__parallelism=LANES,
        )

    async def hash(self, password: str) -> str:
        return await self._off_loop(lambda: str(self._context.hash(password)))

    async def verify(self, password: str, hashed: str | None) -> bool:
        matches = await self._off_loop(lambda: self._context.verify(password, hashed or NOBODYS_HASH))
        return bool(matches) and hashed is not None

    async def stretch(self, password: str, salt: bytes) -> bytes:
        return await self._off_loop(lambda: _stretch(password, salt))

    async def _off_loop(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _stretch(password: str, salt: bytes) -> bytes:
    return hash_secret_raw(
        password.encode(),
        salt,
        time_cost=TIME_COST,
        memory_cost=MEMORY_KIB,
        parallelism=LANES,
        hash_len=STRETCHED_BYTES,
        type=Type.ID,
    )
