"""Erasure: a person goes, and what they gave us goes with them.

At once the account is closed and nobody sees anything of it any more. Jobs then take away what is stored,
step by step (`domain.erasure_steps`), each safe to do again. When every token of the account has run out, the
account itself goes, and a receipt stays that says what was erased and does not say whose it was.
"""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec

from domain import audit, erasure_steps, held_handles, sessions
from domain.accounts import Account, User
from domain.clock import rfc3339
from domain.errors import DomainError, NotFound, Unauthenticated
from domain.ids import random_id
from domain.jobs import Job
from domain.ports import Ports, Records
from domain.proof import Proof, proven
from domain.wire import END, Command, View

log = logging.getLogger(__name__)

DUE_WITHIN = timedelta(hours=24)
"""An erasure that takes longer is reported."""
STUCK_AFTER = timedelta(hours=1)
"""By then the jobs were done or are dead, and are given again."""
FIRST_AFTER = timedelta(seconds=3)
"""By then the request has withdrawn what it could, or died."""
STRAGGLERS_AFTER = timedelta(seconds=15)
"""By then the sockets are closed, and what was on its way through them has arrived."""
TOKENS_MARGIN = timedelta(minutes=1)
AT_ONCE_SECONDS = 2.0
"""What cannot be withdrawn within the request is left to the job."""
AT_ONCE_TOLD = 100
AT_ONCE_ITEMS = 25
CHUNK_ITEMS = 200
CHUNKS_MAX = 100_000
UNFINISHED_MAX = 1_000
RECEIPTS_KEPT = timedelta(days=3 * 365)
PRUNE_BATCH = 1_000

ReceiptId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}" + END)]
"""128 random bits: who has it was given it."""


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `erasures`. `account_id` and `stand_in` are forgotten when it is complete.

    `stand_in` is a random id that takes the account's place in rows that others need: help that they were
    given, a case that was decided. It is nobody's.
    """

    receipt_id: str
    account_id: str | None
    stand_in: str | None
    requested_at: datetime
    completed_at: datetime | None = None
    erased: dict[str, int] = {}


class EraseMe(Command, frozen=True):
    """Proof that it is the person and not just their phone: the password, or the recovery code."""

    current_password: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    recovery_code: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class OneReceipt(Command, frozen=True):
    receipt_id: ReceiptId


class Receipt(View, frozen=True):
    """`erased` counts by kind what was taken away; it grows while the erasure runs."""

    receipt_id: str
    requested_at: str
    state: Literal["running", "complete"]
    completed_at: str | None
    erased: dict[str, int]


async def erase_me(command: EraseMe, user: User, ports: Ports) -> Receipt:
    """When this answers the account is closed for good; asking twice at once answers one receipt."""
    account = await ports.records.accounts.get(user.id)
    if account is None:
        raise Unauthenticated
    await check_proof(command, account, ports)
    return await _begin(account, ports)


async def erase_without_session(command: Proof, ports: Ports) -> Receipt:
    """For those who have no session and want none, or get none because they are banned."""
    return await _begin(await proven(command, ports), ports)


async def _begin(account: Account, ports: Ports) -> Receipt:
    erasure, owed = await _record(account, ports)
    ports.announcer.announce(jobs=owed)
    await _withdraw(erasure, ports)
    return receipt_of(erasure)


async def check_proof(command: EraseMe, account: Account, ports: Ports) -> None:
    """A wrong one is `forbidden`: the session that asks is still good."""
    if command.recovery_code is not None:
        sessions.check_recovery_code(command.recovery_code, account)
    else:
        await sessions.check_password(command.current_password, account, ports)


async def _record(account: Account, ports: Ports) -> tuple[Erasure, list[Job]]:
    """Closes the account and owes the rest, in one transaction."""
    erasure = new_erasure(account.id, ports.now())
    async with ports.transaction() as tx:
        if not await tx.erasures.add(erasure):
            return await _begun(account.id, tx), []
        await tx.accounts.update(account.id, closed(erasure))
        await tx.held_handles.disown(account.id)
        await held_handles.hold(account.handle, None, tx, ports)
        await tx.sessions.end_all(account.id, "erased", erasure.requested_at)
        await tx.cases.close_about(account.id, "erased", erasure.requested_at)
        owed = await tx.jobs.add(jobs_of(erasure, ports))
        await audit.note("auth.erased", account.id, tx, ports)
    return erasure, owed


async def _begun(account_id: str, tx: Records) -> Erasure:
    found = await tx.erasures.of_account(account_id)
    if found is None:
        raise Unauthenticated
    return found


def new_erasure(account_id: str, now: datetime) -> Erasure:
    return Erasure(
        receipt_id=secrets.token_hex(16), account_id=account_id, stand_in=random_id(), requested_at=now
    )


def closed(erasure: Erasure) -> dict[str, object]:
    """An account that nobody can open and that says nothing."""
    return {
        "status": "erased",
        "handle": f"erased-{erasure.stand_in}",
        "avatar": "leaf",
        "role": "user",
        "country": None,
        "timezone": "UTC",
        "password_hash": None,
        "recovery_hash": None,
        "recovered_from": None,
        "recovered_at": None,
        "email_login": None,
        "email_encrypted": None,
    }


def jobs_of(erasure: Erasure, ports: Ports) -> list[Job]:
    """Soon, when the sockets are closed, and when no token is left that could open anything."""
    waits = (FIRST_AFTER, STRAGGLERS_AFTER, settled_after(ports))
    return [erase_job(erasure, str(n), erasure.requested_at + wait) for n, wait in enumerate(waits)]


def settled_after(ports: Ports) -> timedelta:
    return timedelta(seconds=ports.settings.access_token_seconds) + TOKENS_MARGIN


def erase_job(erasure: Erasure, occasion: str, run_at: datetime) -> Job:
    return Job(
        name="erase_account",
        args={"receipt_id": erasure.receipt_id},
        key=f"erase_account:{erasure.receipt_id}:{occasion}",
        lane="bulk",
        run_at=run_at,
    )


async def _withdraw(erasure: Erasure, ports: Ports) -> None:
    """What others see goes before the answer; a store that is away does not undo the erasure."""
    whose = whose_of(erasure)
    try:
        async with asyncio.timeout(AT_ONCE_SECONDS):
            await erasure_steps.withdraw(whose.account_id, ports)
            await erasure_steps.tell_gone(whose, AT_ONCE_TOLD, ports)
            for name in erasure_steps.SEEN_BY_OTHERS:
                await _take(name, erasure, AT_ONCE_ITEMS, ports)
    except (DomainError, TimeoutError) as error:
        log.warning("erasure.left_to_job", extra={"error": type(error).__name__})


async def erase_account(receipt_id: str, ports: Ports) -> None:
    """Takes away everything there is; the last time, the account too."""
    erasure = await ports.records.erasures.get(receipt_id)
    if erasure is None or erasure.account_id is None:
        return
    for name in erasure_steps.STEPS:
        for _ in range(CHUNKS_MAX):
            if not await _take(name, erasure, CHUNK_ITEMS, ports):
                break
    if ports.now() >= erasure.requested_at + settled_after(ports):
        await _complete(erasure, erasure.account_id, ports)


async def _take(name: str, erasure: Erasure, limit: int, ports: Ports) -> int:
    """One chunk of one step; returns how much that was."""
    taken = await erasure_steps.STEPS[name](whose_of(erasure), limit, ports)
    if taken:
        await ports.records.erasures.add_count(erasure.receipt_id, name, taken)
    return taken


def whose_of(erasure: Erasure) -> erasure_steps.Whose:
    """Of one that runs; a complete one is nobody's."""
    if erasure.account_id is None or erasure.stand_in is None:
        raise LookupError("the erasure is complete")
    return erasure_steps.Whose(erasure.account_id, erasure.stand_in)


async def _complete(erasure: Erasure, account_id: str, ports: Ports) -> None:
    async with ports.transaction() as tx:
        await tx.accounts.delete_erased(account_id)
        if await tx.erasures.complete(erasure.receipt_id, ports.now()):
            about = {"target": "erasure", "target_id": erasure.receipt_id}
            await audit.note("auth.erasure_completed", audit.SYSTEM, tx, ports, **about)


async def get_receipt(command: OneReceipt, ports: Ports) -> Receipt:
    erasure = await ports.records.erasures.get(command.receipt_id)
    if erasure is None:
        raise NotFound
    return receipt_of(erasure)


def receipt_of(erasure: Erasure) -> Receipt:
    return Receipt(
        receipt_id=erasure.receipt_id,
        requested_at=rfc3339(erasure.requested_at),
        state="running" if erasure.completed_at is None else "complete",
        completed_at=rfc3339(erasure.completed_at) if erasure.completed_at else None,
        erased=erasure.erased,
    )


class Unfinished(msgspec.Struct, frozen=True):
    """How many erasures run, and how many of them for longer than `DUE_WITHIN`."""

    running: int
    overdue: int


async def check_erasures(ports: Ports) -> Unfinished:
    """Gives stuck erasures to a job again, forgets old receipts and handles, and says how many are late."""
    now = ports.now()
    running = await ports.records.erasures.unfinished(UNFINISHED_MAX)
    await _again([one for one in running if now - one.requested_at >= STUCK_AFTER], now, ports)
    while await ports.records.erasures.prune(now - RECEIPTS_KEPT, PRUNE_BATCH):
        pass
    while await ports.records.held_handles.prune(now, PRUNE_BATCH):
        pass
    overdue = sum(now - one.requested_at > DUE_WITHIN for one in running)
    return Unfinished(len(running), overdue)


async def _again(stuck: Sequence[Erasure], now: datetime, ports: Ports) -> None:
    """Once an hour for each."""
    jobs = [erase_job(one, now.strftime("%Y-%m-%dT%H"), now) for one in stuck]
    if jobs:
        await ports.queue.push(await ports.records.jobs.add(jobs))
