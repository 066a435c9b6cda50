"""Trust: what thanks say about an account, and what is open only to those who have been here a while.

Trust is a function of facts (age, thanks, standing), computed when it is asked for: it grows with every
thanked answer, fades by itself, and never stands between anybody and an SOS.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from domain import moderation
from domain.accounts import Account, User
from domain.errors import Forbidden
from domain.moderation.policy import Trust
from domain.ports import Ports
from domain.standings import Standing, check_not_muted, under_sanction

HALF_LIFE = timedelta(days=90)
"""A thank is worth half after this long."""
HORIZON = 4 * HALF_LIFE
"""Older thanks say next to nothing and are not read."""
THANKS_MAX = 500
PER_THANKER = 3.0
"""However often one person says thank you, it counts for no more than this many."""
NEW_FOR = timedelta(days=3)
KNOWN_FROM, TRUSTED_FROM = 1.0, 5.0
"""A new account with this much trust is known already; a known one with that much is trusted."""
LINK = re.compile(
    r"(?i)\b(?:https?://|www\.)\S|\b[a-z0-9-]{2,}\.(?:com|org|net|io|me|gg|info|xyz|ru|link|app)\b"
)
NO_LINKS = (
    "Links open up after a few days here, or with the first thank you. Everything else you can say now."
)


class Thank(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `thanks`: the author of a post (`thanker_id`) was helped by a response."""

    response_id: str
    post_id: str
    helper_id: str
    thanker_id: str
    at: datetime


def score(thanks: Iterable[Thank], now: datetime) -> float:
    """Thanks with their age taken off, each thanker counted up to `PER_THANKER`."""
    by_thanker: defaultdict[str, float] = defaultdict(float)
    for one in thanks:
        by_thanker[one.thanker_id] += 0.5 ** ((now - one.at) / HALF_LIFE)
    return sum(min(worth, PER_THANKER) for worth in by_thanker.values())


def level(account: Account, standing: Standing, worth: float, now: datetime) -> Trust:
    """An account with something held against it is not trusted, whatever was thanked before."""
    if under_sanction(standing, now):
        return "new"
    if account.role != "user" or worth >= TRUSTED_FROM:
        return "trusted"
    return "new" if now - account.created_at < NEW_FOR and worth < KNOWN_FROM else "known"


async def trust_of(account_id: str, ports: Ports) -> Trust:
    """`known` for an account that is not there: nothing follows from it."""
    account = await ports.records.accounts.get(account_id)
    if account is None:
        return "known"
    now = ports.now()
    standing = await ports.records.standings.get(account_id)
    given = await ports.records.thanks.of_helper(account_id, now - HORIZON, THANKS_MAX)
    return level(account, standing, score(given, now), now)


async def check_may_speak(content: str, user: User, ports: Ports) -> Standing:
    """Refuses the muted, and links of new accounts; never asked for an SOS.

    Whoever sounds as if in danger is heard, link or not: the scan takes the link out.
    """
    standing = await ports.records.standings.get(user.id)
    check_not_muted(standing, ports.now())
    if not LINK.search(content) or moderation.quick_check(content):
        return standing
    if await trust_of(user.id, ports) == "new":
        raise Forbidden(NO_LINKS, field="content")
    return standing


async def check_may_write(user: User, ports: Ports) -> None:
    """Refuses the muted; never asked for an SOS."""
    check_not_muted(await ports.records.standings.get(user.id), ports.now())
