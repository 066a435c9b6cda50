"""Secrets, push services and who leads."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from domain.devices import Address, Platform
    from domain.pushing import PushMessage


class Passwords(Protocol):
    async def hash(self, password: str) -> str: ...

    async def verify(self, password: str, hashed: str | None) -> bool:
        """As much work for no hash as for a wrong password."""

    async def stretch(self, password: str, salt: bytes) -> bytes:
        """The same bytes for the same password and salt, as slow as a hash."""


class Claims(NamedTuple):
    account_id: str
    session_id: str
    expires_at: datetime


class Tokens(Protocol):
    def issue(self, account_id: str, session_id: str, now: datetime) -> str: ...

    def verify(self, token: str, now: datetime) -> Claims:
        """Raises `Unauthenticated` for anything but our own, unexpired access token."""


class Cipher(Protocol):
    def lookup(self, value: bytes) -> bytes:
        """A keyed hash, the same for the same value."""

    def encrypt(self, plain: bytes, *, context: bytes) -> bytes: ...

    def decrypt(self, sealed: bytes, *, context: bytes) -> bytes: ...


class Signer(Protocol):
    """Signs what apps keep and must be able to trust without us (Ed25519)."""

    @property
    def public_key(self) -> bytes: ...

    def sign(self, payload: bytes) -> bytes: ...


class Push(Protocol):
    """The push services of the platforms; those that are not configured are not there."""

    @property
    def platforms(self) -> frozenset[Platform]: ...

    @property
    def web_key(self) -> str | None:
        """The application server key for browsers, base64url (RFC 8292 §3.2)."""

    async def send(self, address: Address, message: PushMessage) -> bool:
        """False when the address is dead; raises `Unavailable` for what may work later."""


class Leadership(Protocol):
    def lead(self, name: str) -> AbstractAsyncContextManager[Callable[[], Awaitable[bool]]]:
        """Inside, ask whether this process is the only one to hold `name`, and again before each turn.

        Asking raises `Unavailable` once the name may have gone to somebody else.
        """


class Health(NamedTuple):
    name: str
    ok: bool
    milliseconds: float
