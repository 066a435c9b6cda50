"""Guesses: by what attempts at a password are counted, beside the address they come from.

By the name that is tried, however many addresses try it. That alone would let anybody keep somebody from
logging in for as long as they like. So a phone that was logged in before is counted by itself: it shows the
last refresh token it had, which may be long over, and then opens the account of that token and no other.
"""

from typing import NamedTuple

from domain.accounts import Account
from domain.ports import Ports


class KnownPhone(NamedTuple):
    """A phone that shows a refresh token of the account whose name it says."""

    session_id: str
    account_id: str


def counted_by(name: str, phone: KnownPhone | None) -> str:
    return f"session:{phone.session_id}" if phone else f"name:{name.strip().casefold()}"


async def known_phone(identifier: str, token_hash: bytes, ports: Ports) -> KnownPhone | None:
    """Also by a token that was used or whose session ended; None for one that is nobody's or another's."""
    token = await ports.records.sessions.get_refresh(token_hash)
    if token is None:
        return None
    account = await ports.records.accounts.get(token.account_id)
    if account is None or not names(identifier, account, ports):
        return None
    return KnownPhone(token.session_id, token.account_id)


def names(identifier: str, account: Account, ports: Ports) -> bool:
    """Whether this is the account's handle, or its e-mail address."""
    wanted = identifier.strip().casefold()
    if account.email_encrypted is None or "@" not in identifier:
        return account.handle.casefold() == wanted
    return ports.cipher.decrypt(account.email_encrypted, context=account.id.encode()).decode() == wanted
