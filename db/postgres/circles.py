"""Circles and their members in PostgreSQL. A circle's row counts its members in the same transaction."""

from datetime import datetime

from asyncpg import CheckViolationError

from db.postgres.statements import Db, changed
from domain.circles import Circle, Member, MemberRole
from domain.errors import Conflict

COLUMNS = "id, name, description, category, max_members, is_private, created_at, member_count"


class CircleRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def add(self, circle: Circle, owner_id: str) -> None:
        await self.db.execute(
            """
            with circle as (
                insert into circles (id, name, description, category, max_members, is_private, created_at,
                    member_count)
                values ($1, $2, $3, $4, $5, $6, $7, 1) returning id
            )
            insert into memberships (circle_id, account_id, role, joined_at)
            select id, $8, 'owner', $7 from circle
            """,
            circle.id,
            circle.name,
            circle.description,
            circle.category,
            circle.max_members,
            circle.is_private,
            circle.created_at,
            owner_id,
        )

    async def get(self, id: str) -> Circle | None:
        row = await self.db.fetchrow(f"select {COLUMNS} from circles where id = $1", id)
        return Circle(**row) if row else None

    async def role_of(self, circle_id: str, account_id: str) -> MemberRole | None:
        role: MemberRole | None = await self.db.fetchval(
            "select role from memberships where circle_id = $1 and account_id = $2", circle_id, account_id
        )
        return role

    async def join(self, circle_id: str, account_id: str, at: datetime) -> bool:
        try:
            status = await self.db.execute(
                """
                with joined as (
                    insert into memberships (circle_id, account_id, joined_at) values ($1, $2, $3)
                    on conflict do nothing returning circle_id
                )
                update circles set member_count = member_count + 1 from joined where id = joined.circle_id
                """,
                circle_id,
                account_id,
                at,
            )
        except CheckViolationError:
            raise Conflict("This circle is full.") from None
        return changed(status)

    async def leave(self, circle_id: str, account_id: str) -> bool:
        status = await self.db.execute(
            """
            with gone as (
                delete from memberships where circle_id = $1 and account_id = $2 returning circle_id
            )
            update circles set member_count = member_count - 1 from gone where id = gone.circle_id
            """,
            circle_id,
            account_id,
        )
        return changed(status)

    async def of_account(self, account_id: str) -> list[Member]:
        rows = await self.db.fetch(
            "select circle_id, account_id, role from memberships where account_id = $1 order by joined_at",
            account_id,
        )
        return [Member(**row) for row in rows]

    async def owner_of(self, circle_id: str) -> str | None:
        owner: str | None = await self.db.fetchval(
            "select account_id from memberships where circle_id = $1 and role = 'owner'", circle_id
        )
        return owner

    async def inherit(self, circle_id: str) -> str | None:
        heir: str | None = await self.db.fetchval(
            """
            update memberships set role = 'owner'
            where circle_id = $1
                and not exists (select from memberships where circle_id = $1 and role = 'owner')
                and account_id = (
                    select account_id from memberships where circle_id = $1
                    order by role = 'moderator' desc, joined_at, account_id limit 1
                )
            returning account_id
            """,
            circle_id,
        )
        return heir

    async def close_empty(self, circle_id: str) -> bool:
        status = await self.db.execute(
            """
            delete from circles where id = $1
                and not exists (select from memberships where circle_id = $1)
            """,
            circle_id,
        )
        return changed(status)
