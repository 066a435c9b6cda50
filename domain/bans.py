"""Bans: what somebody hears who proved to be the account that is banned.

They have no session, so the refusal itself says until when, why, and with which code to appeal.
"""

from domain import enforcement, notices
from domain.accounts import Account
from domain.clock import rfc3339
from domain.decisions import Decision
from domain.errors import Ban, Banned
from domain.ports import Ports, Records

DECISIONS_MAX = 50
"""A ban that so many later decisions followed is no longer looked for."""


async def let_in(account: Account, ports: Ports) -> Account:
    """The account; raises `Banned`. Call it after the proof: a stranger must not learn who is banned.

    Nobody whose ban has run out waits for a worker to lift it.
    """
    if account.status != "banned":
        return account
    await enforcement.lift_if_over(account.id, ports)
    now = await ports.records.accounts.get(account.id)
    if now is not None and now.status != "banned":
        return now
    raise await banned(account, ports.records, ports)


async def has_run_out(account: Account, records: Records, ports: Ports) -> bool:
    """Whether who was banned may log in again, though nobody has lifted the ban yet."""
    return enforcement.is_over(await records.standings.get(account.id), ports.now())


async def banned(account: Account, records: Records, ports: Ports) -> Banned:
    """The refusal; for the holder of the account alone."""
    standing = await records.standings.get(account.id)
    # Of several the one that ends last; it may have run out a moment ago.
    made = await records.decisions.of_subject(account.id, DECISIONS_MAX)
    bans = [one for one in made if (one.action, one.state) == ("ban", "active")]
    decision = next((one for one in bans if one.until == standing.banned_until), next(iter(bans), None))
    until = rfc3339(standing.banned_until) if standing.banned_until else None
    return Banned(told(until, decision), ban=_ban(until, decision, ports))


def told(until: str | None, decision: Decision | None) -> str:
    end = f"until {until}" if until else "without an end"
    appeal = f" {notices.APPEAL}" if decision is not None else ""
    return f"This account is banned {end}.{appeal}"


def _ban(until: str | None, decision: Decision | None, ports: Ports) -> Ban:
    if decision is None:
        return Ban(until=until)
    code = notices.appeal_code(decision.id, ports)
    return Ban(until=until, reason=decision.reason, decision_id=decision.id, appeal_code=code)
