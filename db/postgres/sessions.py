"""Sessions and refresh tokens in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

from db.postgres.statements import Db, changed
from domain.accounts import User
from domain.ports import Use
from domain.sessions import EndedSession, EndReason, RefreshToken, Session

REFRESH_ROW = """
    select t.token_hash, t.session_id, s.account_id, t.expires_at, t.used_at,
        s.ended_at is not null or a.status <> 'active' as session_ended, s.end_reason, t.given_for
    from refresh_tokens t
    join sessions s on s.id = t.session_id
    join accounts a on a.id = s.account_id
    where t.token_hash = $1
"""


class SessionRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def add(self, session: Session) -> None:
        await self.db.execute(
            "insert into sessions (id, account_id, created_at, last_used_at) values ($1, $2, $3, $3)",
            session.id,
            session.account_id,
            session.created_at,
        )

    async def user_of(self, session_id: str) -> User | None:
        row = await self.db.fetchrow(
            """
            select a.id, s.id as session_id, a.role, a.country, a.timezone
            from sessions s join accounts a on a.id = s.account_id
            where s.id = $1 and s.ended_at is null and a.status = 'active'
            """,
            session_id,
        )
        return User(**row) if row else None

    async def open(self, account_id: str, used_since: datetime, limit: int) -> list[Session]:
        rows = await self.db.fetch(
            """
            select id, account_id, created_at, last_used_at, platform, app_version from sessions
            where account_id = $1 and ended_at is null and last_used_at > $2
            order by last_used_at desc, id desc limit $3
            """,
            account_id,
            used_since,
            limit,
        )
        return [Session(**row) for row in rows]

    async def note_uses(self, uses: Sequence[Use]) -> None:
        await self.db.execute(
            """
            with used as (
                select id, at, platform, app_version
                from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[])
                    as u (id, at, platform, app_version)
            ), held as (
                select id from sessions where id = any($1::uuid[]) and ended_at is null
                for update skip locked
            )
            update sessions set last_used_at = greatest(last_used_at, used.at),
                platform = coalesce(used.platform, sessions.platform),
                app_version = coalesce(used.app_version, sessions.app_version)
            from used join held on held.id = used.id where sessions.id = used.id
            """,
            [use.session_id for use in uses],
            [use.at for use in uses],
            [use.platform for use in uses],
            [use.app_version for use in uses],
        )

    async def end(self, session_id: str, reason: EndReason, at: datetime) -> None:
        await self.db.execute(
            "update sessions set ended_at = $3, end_reason = $2 where id = $1 and ended_at is null",
            session_id,
            reason,
            at,
        )

    async def end_own(self, account_id: str, session_id: str, reason: EndReason, at: datetime) -> bool:
        status = await self.db.execute(
            """
            update sessions set ended_at = $4, end_reason = $3
            where id = $2 and account_id = $1 and ended_at is null
            """,
            account_id,
            session_id,
            reason,
            at,
        )
        return changed(status)

    async def end_all(self, account_id: str, reason: EndReason, at: datetime) -> None:
        await self.db.execute(
            "update sessions set ended_at = $3, end_reason = $2 where account_id = $1 and ended_at is null",
            account_id,
            reason,
            at,
        )

    async def ended_since(self, moment: datetime) -> list[EndedSession]:
        rows = await self.db.fetch(
            """
            select id as session_id, account_id, end_reason as reason, ended_at as at
            from sessions where ended_at >= $1
            """,
            moment,
        )
        return [EndedSession(**row) for row in rows]

    async def add_refresh(self, token: RefreshToken) -> None:
        await self.db.execute(
            """
            insert into refresh_tokens (token_hash, session_id, expires_at, given_for) values ($1, $2, $3, $4)
            """,
            token.token_hash,
            token.session_id,
            token.expires_at,
            token.given_for,
        )

    async def get_refresh(self, token_hash: bytes) -> RefreshToken | None:
        row = await self.db.fetchrow(REFRESH_ROW, token_hash)
        return RefreshToken(**row) if row else None

    async def lock_refresh(self, token_hash: bytes) -> RefreshToken | None:
        row = await self.db.fetchrow(f"{REFRESH_ROW} for update of t, s", token_hash)
        return RefreshToken(**row) if row else None

    async def mark_used(self, token_hash: bytes, at: datetime) -> None:
        await self.db.execute(
            "update refresh_tokens set used_at = $2 where token_hash = $1 and used_at is null", token_hash, at
        )

    async def exchange_again(self, token_hash: bytes, at: datetime) -> bool:
        status = await self.db.execute(
            """
            with voided as (
                update refresh_tokens given set used_at = coalesce(given.used_at, used.used_at)
                from refresh_tokens used
                where used.token_hash = $1 and given.given_for = $1 and not exists (
                    select from refresh_tokens next join refresh_tokens later
                        on later.given_for = next.token_hash
                    where next.given_for = $1)
                returning given.token_hash
            )
            update refresh_tokens set used_at = $2 where token_hash = $1 and exists (select from voided)
            """,
            token_hash,
            at,
        )
        return changed(status)

    async def prune_refresh(self, expired_before: datetime, limit: int) -> int:
        return await self._pruned("refresh_tokens", "token_hash", "expires_at < $1", expired_before, limit)

    async def prune_ended(self, ended_before: datetime, limit: int) -> int:
        return await self._pruned("sessions", "id", "ended_at < $1", ended_before, limit)

    async def prune_lapsed(self, created_before: datetime, limit: int) -> int:
        usable = "select from refresh_tokens t where t.session_id = sessions.id"
        lapsed = f"ended_at is null and created_at < $1 and not exists ({usable})"
        return await self._pruned("sessions", "id", lapsed, created_before, limit)

    async def _pruned(self, table: str, key: str, condition: str, moment: datetime, limit: int) -> int:
        status = await self.db.execute(
            f"delete from {table} where {key} in (select {key} from {table} where {condition} limit $2)",
            moment,
            limit,
        )
        return int(status.rpartition(" ")[2])
