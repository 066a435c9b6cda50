"""Clients by account and session on this server, and how they are told to go."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
import structlog

from domain.ports import Ports, Use
from domain.sessions import EndedSession, EndReason
from domain.wire import View
from realtime.budget import Budget
from realtime.client import Client
from realtime.engine import Frame, Server
from realtime.metrics import CLOSED, END_TO_CLOSE_SECONDS

log = structlog.get_logger(__name__)

OVERLAP = timedelta(seconds=30)
"""Sessions that ended this long ago are looked at again: clocks and commits are not in step."""

FAREWELLS: dict[EndReason, str] = {
    "logged_out": "logged_out",
    "password_changed": "logged_out",
    "reuse": "logged_out",
    "banned": "banned",
    "erased": "erased",
}

USES_BATCH = 500
FINAL = frozenset({"logged_out", "banned", "erased"})
"""Codes after which a client does not come back."""


class SessionEnded(View, frozen=True):
    """Data of `session:ended`, a client's last event; the code says whether to come back.

    To come back and go on from the positions: `token_expired`, `draining`, `slow_consumer` and `rate_limited`
    for who sent far too much (a connect that comes too early says when). Not to: `logged_out`, `banned`, and
    `erased`.
    """

    code: str


class Sessions:
    def __init__(self, server: Server, ports: Ports) -> None:
        self._server = server
        self._ports = ports
        self._by_account: defaultdict[str, set[Client]] = defaultdict(set)
        self._by_session: defaultdict[str, set[Client]] = defaultdict(set)
        self._budgets: dict[str, Budget] = {}
        self._used: dict[str, Use] = {}

    def add(self, client: Client) -> None:
        self._by_account[client.user.id].add(client)
        self._by_session[client.user.session_id].add(client)

    def remove(self, client: Client) -> None:
        for index, key in ((self._by_account, client.user.id), (self._by_session, client.user.session_id)):
            index[key].discard(client)
            if not index[key]:
                del index[key]

    def budget_of(self, account_id: str) -> Budget:
        """Outlives the account's sockets until it is full again."""
        budget = self._budgets.get(account_id)
        if budget is None:
            budget = self._budgets[account_id] = Budget(self._ports.settings.events_per_minute)
        return budget

    def forget_full_budgets(self) -> None:
        """Those of accounts that are gone and would begin anew with as much."""
        gone = [id for id, budget in self._budgets.items() if id not in self._by_account and budget.full]
        for account_id in gone:
            del self._budgets[account_id]

    def of_account(self, account_id: str) -> frozenset[Client]:
        return frozenset(self._by_account.get(account_id, ()))

    def count(self, account_id: str) -> int:
        return len(self._by_account.get(account_id, ()))

    @property
    def clients(self) -> Iterable[Client]:
        return [client for clients in self._by_session.values() for client in clients]

    @property
    def account_ids(self) -> list[str]:
        return list(self._by_account)

    def note_use(self, client: Client) -> None:
        """For the list of sessions that somebody sees; written down with the next look at ended sessions."""
        device, session_id = client.device, client.user.session_id
        use = Use(session_id, self._ports.now(), device.platform or None, device.app_version or None)
        self._used[session_id] = use

    def end(self, client: Client, code: str) -> None:
        """Tells the client why, in its last frame, and closes it."""
        if client.ended:
            return
        client.ended = True
        CLOSED.labels(code).inc()
        client.connection.close(code, frame=self.farewell(code), reconnect=code not in FINAL)

    def farewell(self, code: str) -> Frame:
        return self._server.frame("session:ended", msgspec.json.encode(SessionEnded(code=code)))

    async def watch(self) -> None:
        """Ends clients whose session ended anywhere, or whose token ran out; until cancelled."""
        since = self._ports.now()
        while True:
            await asyncio.sleep(self._ports.settings.session_check_seconds)
            self.forget_full_budgets()
            try:
                since = await self._check(since)
                await self._write_uses()
            except Exception as error:  # noqa: BLE001  (whatever it is, the watch goes on)
                log.warning("sessions.check_failed", error=type(error).__name__)

    async def _write_uses(self) -> None:
        """In batches; what cannot be written is of no consequence."""
        uses, self._used = list(self._used.values()), {}
        for start in range(0, len(uses), USES_BATCH):
            await self._ports.records.sessions.note_uses(uses[start : start + USES_BATCH])

    def _follow(self, ended: EndedSession, client: Client) -> None:
        if not client.ended:
            seconds = (self._ports.now() - ended.at).total_seconds()
            END_TO_CLOSE_SECONDS.labels(ended.reason).observe(max(seconds, 0.0))
        self.end(client, FAREWELLS[ended.reason])

    async def _check(self, since: datetime) -> datetime:
        now = self._ports.now()
        for ended in await self._ports.records.sessions.ended_since(since - OVERLAP):
            for client in list(self._by_session.get(ended.session_id, ())):
                self._follow(ended, client)
        for client in self.clients:
            if client.expires_at <= now:
                self.end(client, "token_expired")
        return now
