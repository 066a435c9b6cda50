"""Passwords hashed cheaply: everything of the real ones but the work. Others get their turn meanwhile."""

import asyncio
import hashlib
import secrets


class FakePasswords:
    async def hash(self, password: str) -> str:
        await asyncio.sleep(0)
        salt = secrets.token_hex(4)
        return f"{salt}${digest(password, salt.encode()).hex()}"

    async def verify(self, password: str, hashed: str | None) -> bool:
        await asyncio.sleep(0)
        salt, _, expected = (hashed or "").partition("$")
        return hashed is not None and digest(password, salt.encode()).hex() == expected

    async def stretch(self, password: str, salt: bytes) -> bytes:
        return digest(password, salt)


def digest(password: str, salt: bytes) -> bytes:
    return hashlib.sha256(salt + password.encode()).digest()
