"""Sessions and refresh tokens in memory."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from domain.accounts import User
from domain.ports import Use
from domain.sessions import EndedSession, EndReason, RefreshToken, Session
from tests.fakes.tables import Tables


class FakeSessions:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, session: Session) -> None:
        self._tables.sessions[session.id] = replace(session, last_used_at=session.created_at)

    async def user_of(self, session_id: str) -> User | None:
        session = self._tables.sessions.get(session_id)
        if session is None or session.ended_at is not None:
            return None
        account = self._tables.accounts[session.account_id]
        if account.status != "active":
            return None
        return User(
            id=account.id,
            session_id=session_id,
            role=account.role,
            country=account.country,
            timezone=account.timezone,
        )

    async def open(self, account_id: str, used_since: datetime, limit: int) -> list[Session]:
        mine = [
            (session.last_used_at, session.id, session)
            for session in self._tables.sessions.values()
            if (session.account_id, session.ended_at) == (account_id, None)
            and session.last_used_at
            and session.last_used_at > used_since
        ]
        return [session for _, _, session in sorted(mine, reverse=True, key=lambda found: found[:2])][:limit]

    async def note_uses(self, uses: Sequence[Use]) -> None:
        for use in uses:
            session = self._tables.sessions.get(use.session_id)
            if session is not None and session.ended_at is None:
                self._tables.sessions[session.id] = replace(
                    session,
                    last_used_at=max(session.last_used_at or use.at, use.at),
                    platform=use.platform or session.platform,
                    app_version=use.app_version or session.app_version,
                )

    async def end(self, session_id: str, reason: EndReason, at: datetime) -> None:
        session = self._tables.sessions.get(session_id)
        if session is not None and session.ended_at is None:
            self._tables.sessions[session_id] = replace(session, ended_at=at)
            self._tables.end_reasons[session_id] = reason

    async def end_own(self, account_id: str, session_id: str, reason: EndReason, at: datetime) -> bool:
        session = self._tables.sessions.get(session_id)
        if session is None or (session.account_id, session.ended_at) != (account_id, None):
            return False
        await self.end(session_id, reason, at)
        return True

    async def end_all(self, account_id: str, reason: EndReason, at: datetime) -> None:
        for session in list(self._tables.sessions.values()):
            if session.account_id == account_id:
                await self.end(session.id, reason, at)

    async def ended_since(self, moment: datetime) -> list[EndedSession]:
        return [
            EndedSession(
                session.id, session.account_id, self._tables.end_reasons[session.id], session.ended_at
            )
            for session in self._tables.sessions.values()
            if session.ended_at is not None and session.ended_at >= moment
        ]

    async def add_refresh(self, token: RefreshToken) -> None:
        self._tables.refresh_tokens[token.token_hash] = token

    async def lock_refresh(self, token_hash: bytes) -> RefreshToken | None:
        """Transactions come one at a time here, so that every lock is held."""
        return await self.get_refresh(token_hash)

    async def get_refresh(self, token_hash: bytes) -> RefreshToken | None:
        token = self._tables.refresh_tokens.get(token_hash)
        if token is None:
            return None
        ended = await self.user_of(token.session_id) is None
        return replace(token, session_ended=ended, end_reason=self._tables.end_reasons.get(token.session_id))

    async def mark_used(self, token_hash: bytes, at: datetime) -> None:
        token = self._tables.refresh_tokens[token_hash]
        if token.used_at is None:
            self._tables.refresh_tokens[token_hash] = replace(token, used_at=at)

    async def exchange_again(self, token_hash: bytes, at: datetime) -> bool:
        tokens = self._tables.refresh_tokens
        given = [one for one in tokens.values() if one.given_for == token_hash]
        exchanged = {one.given_for for one in tokens.values()}
        if not given or any(one.token_hash in exchanged for one in given):
            return False
        for one in given:
            used_at = one.used_at or tokens[token_hash].used_at
            tokens[one.token_hash] = replace(one, used_at=used_at)
        tokens[token_hash] = replace(tokens[token_hash], used_at=at)
        return True

    async def prune_refresh(self, expired_before: datetime, limit: int) -> int:
        tokens = self._tables.refresh_tokens
        old = [key for key, token in tokens.items() if token.expires_at < expired_before][:limit]
        for key in old:
            del tokens[key]
        return len(old)

    async def prune_ended(self, ended_before: datetime, limit: int) -> int:
        sessions = self._tables.sessions.values()
        old = [one.id for one in sessions if one.ended_at is not None and one.ended_at < ended_before]
        return self._drop(old[:limit])

    async def prune_lapsed(self, created_before: datetime, limit: int) -> int:
        usable = {token.session_id for token in self._tables.refresh_tokens.values()}
        sessions = self._tables.sessions.values()
        still_open = [one for one in sessions if one.ended_at is None]
        old = [one.id for one in still_open if one.created_at < created_before and one.id not in usable]
        return self._drop(old[:limit])

    def _drop(self, ids: list[str]) -> int:
        for id in ids:
            del self._tables.sessions[id]
            self._tables.end_reasons.pop(id, None)
        self._tables.refresh_tokens = {
            key: token for key, token in self._tables.refresh_tokens.items() if token.session_id not in ids
        }
        return len(ids)
