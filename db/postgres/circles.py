"""Circles and their members in PostgreSQL. A circle's row counts its members in the same transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from asyncpg import CheckViolationError

from db.postgres.statements import Db, assignments, changed
from domain.circles import Circle, CircleFilter, Listed, Member, MemberRole, Membership
from domain.errors import Conflict, NotFound
from domain.pages import Place

COLUMNS = """id, name, description, category, max_members, is_private, filter_level, created_at,
    member_count"""
MEMBERSHIPS = "memberships m join circles c on c.id = m.circle_id where m.account_id = $1"
OPEN = """
    circles c left join memberships m on m.circle_id = c.id and m.account_id = $1
    where not c.is_private and (m.role is not null or not exists (
        select from memberships o where o.circle_id = c.id and o.role = 'owner' and o.account_id = any($2)))
"""


class CircleRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def add(self, circle: Circle, owner_id: str, creation_id: str | None = None) -> bool:
        status = await self.db.execute(
            """
            with circle as (
                insert into circles (id, name, description, category, max_members, is_private, filter_level,
                    created_at, creation_id, member_count)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $10, 1)
                on conflict (creation_id) do nothing returning id
            )
            insert into memberships (circle_id, account_id, role, joined_at)
            select id, $9, 'owner', $8 from circle
            """,
            circle.id,
            circle.name,
            circle.description,
            circle.category,
            circle.max_members,
            circle.is_private,
            circle.filter_level,
            circle.created_at,
            owner_id,
            creation_id,
        )
        return changed(status)

    async def by_creation(self, creation_id: str) -> Circle | None:
        row = await self.db.fetchrow(f"select {COLUMNS} from circles where creation_id = $1", creation_id)
        return Circle(**row) if row else None

    async def get(self, id: str) -> Circle | None:
        row = await self.db.fetchrow(f"select {COLUMNS} from circles where id = $1", id)
        return Circle(**row) if row else None

    async def get_many(self, ids: Sequence[str]) -> dict[str, Circle]:
        rows = await self.db.fetch(f"select {COLUMNS} from circles where id = any($1::uuid[])", list(ids))
        return {row["id"]: Circle(**row) for row in rows}

    async def lock(self, id: str) -> Circle | None:
        row = await self.db.fetchrow(f"select {COLUMNS} from circles where id = $1 for update", id)
        return Circle(**row) if row else None

    async def edit(self, id: str, changes: dict[str, object]) -> Circle:
        try:
            row = await self.db.fetchrow(
                f"update circles set {assignments(changes, 2)} where id = $1 returning {COLUMNS}",
                id,
                *changes.values(),
            )
        except CheckViolationError:
            raise Conflict("More people than that are in it.", field="max_members") from None
        if row is None:
            raise NotFound
        return Circle(**row)

    async def page(self, account_id: str, wanted: CircleFilter, limit: int) -> list[Listed]:
        rows = await self.db.fetch(
            f"select {COLUMNS}, role from ({sources(wanted)}) found order by id desc limit $6",
            account_id,
            list(wanted.without_owners),
            wanted.category,
            f"%{escaped(wanted.name)}%" if wanted.name else None,
            wanted.before,
            limit,
        )
        return [listed(dict(row)) for row in rows]

    async def members(
        self, circle_id: str, after: Place | None, limit: int, *, without: Sequence[str]
    ) -> list[Membership]:
        rows = await self.db.fetch(
            """
            select account_id, role, joined_at from memberships
            where circle_id = $1 and account_id <> all($2::uuid[])
              and ($3::timestamptz is null or (joined_at, account_id) > ($3, $4::uuid))
            order by joined_at, account_id limit $5
            """,
            circle_id,
            list(without),
            after and after.at,
            after and after.id,
            limit,
        )
        return [Membership(**row) for row in rows]

    async def role_of(self, circle_id: str, account_id: str) -> MemberRole | None:
        role: MemberRole | None = await self.db.fetchval(
            "select role from memberships where circle_id = $1 and account_id = $2", circle_id, account_id
        )
        return role

    async def set_role(self, circle_id: str, account_id: str, role: MemberRole) -> bool:
        status = await self.db.execute(
            "update memberships set role = $3 where circle_id = $1 and account_id = $2",
            circle_id,
            account_id,
            role,
        )
        return changed(status)

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

    async def count_of(self, account_ids: Iterable[str], circle_ids: Sequence[str]) -> dict[str, int]:
        rows = await self.db.fetch(
            """
            select circle_id, count(*) as count from memberships
            where account_id = any($1::uuid[]) and circle_id = any($2::uuid[]) group by circle_id
            """,
            list(account_ids),
            list(circle_ids),
        )
        return {row["circle_id"]: row["count"] for row in rows}

    async def categories_of(self, account_id: str) -> list[str]:
        rows = await self.db.fetch(
            """
            select distinct c.category from memberships m join circles c on c.id = m.circle_id
            where m.account_id = $1 order by c.category
            """,
            account_id,
        )
        return [row["category"] for row in rows]

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


def sources(wanted: CircleFilter) -> str:
    """Only what is asked stands in the statement: a planner that has to reckon with both reads everything."""
    asked = [
        "$2::uuid[] is not null",
        "c.category = $3" if wanted.category else "$3::text is null",
        "c.name ilike $4" if wanted.name else "$4::text is null",
        "c.id < $5" if wanted.before else "$5::uuid is null",
    ]
    behind = f"and {' and '.join(asked)} order by c.id desc limit $6"
    if wanted.mine:
        return f"select c.*, m.role from {MEMBERSHIPS} {behind}"
    return f"""
        select * from (select c.*, m.role from {OPEN} {behind}) open
        union all
        select * from (select c.*, m.role from {MEMBERSHIPS} and c.is_private {behind}) hidden
    """


def escaped(text: str) -> str:
    """`text` as a part of a pattern that means itself."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def listed(row: dict[str, object]) -> Listed:
    role = row.pop("role")
    return Listed(Circle(**row), role)  # type: ignore[arg-type]
