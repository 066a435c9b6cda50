"""Held handles: a handle that was given up stays free of others for a while.

Who was known by it must not be answered for by a stranger on the next day. What is kept is a keyed hash, so
nobody reads from it which names there were, and of an erased account nothing else.
"""

from datetime import datetime, timedelta

import msgspec

from domain.errors import Conflict
from domain.ports import Ports, Records


class HeldHandle(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `held_handles`. `account_id` may have it back; None: it was erased, and nobody may."""

    handle_hash: bytes
    account_id: str | None
    until: datetime


def handle_hash(handle: str, ports: Ports) -> bytes:
    return ports.cipher.lookup(f"handle:{handle.casefold()}".encode())


async def hold(handle: str, account_id: str | None, tx: Records, ports: Ports) -> None:
    """In the transaction in which the account gives it up."""
    until = ports.now() + timedelta(days=ports.settings.handle_hold_days)
    held = HeldHandle(handle_hash=handle_hash(handle, ports), account_id=account_id, until=until)
    await tx.held_handles.hold(held)


async def check_free(handle: str, account_id: str, tx: Records, ports: Ports) -> None:
    """Refuses a handle that is held for somebody else, as if it were taken; whose it was takes it back.

    Asked after the row has the handle: whoever gives it up at the same moment has committed by then.
    """
    held = await tx.held_handles.get(handle_hash(handle, ports))
    if held is None:
        return
    if held.until > ports.now() and held.account_id != account_id:
        raise Conflict("This is already taken.", field="handle")
    await tx.held_handles.release(held.handle_hash)
