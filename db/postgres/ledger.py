"""The points ledger in PostgreSQL. The balance on the account moves in the statement of the entry."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from db.postgres.statements import Db, changed
from domain.points import Entry, HelpCounts, Line

COLUMNS = "key, account_id, change, reason, post_id, kind, receiver_id, ref, created_at"


class LedgerRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def add(self, entry: Entry) -> bool:
        status = await self.db.execute(
            f"""
            with entry as (
                insert into points_ledger ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                on conflict (key) do nothing returning account_id, change
            )
            update accounts set strength_points = strength_points + entry.change
            from entry where accounts.id = entry.account_id
            """,
            entry.key,
            entry.account_id,
            entry.change,
            entry.reason,
            entry.post_id,
            entry.kind,
            entry.receiver_id,
            entry.ref,
            entry.created_at,
        )
        return changed(status)

    async def lock_pair(self, giver_id: str, receiver_id: str) -> None:
        await self.db.execute(
            "select pg_advisory_xact_lock(hashtextextended($1, 0))", f"points:{giver_id}:{receiver_id}"
        )

    async def earned(self, giver_id: str, receiver_id: str, day: date) -> int:
        start = datetime.combine(day, time.min, UTC)
        return int(
            await self.db.fetchval(
                """
                select coalesce(sum(change), 0) from points_ledger
                where account_id = $1 and receiver_id = $2 and reason = 'support'
                    and created_at >= $3 and created_at < $4
                """,
                giver_id,
                receiver_id,
                start,
                start + timedelta(days=1),
            )
        )

    async def award(self, key: str) -> Entry | None:
        row = await self.db.fetchrow(f"select {COLUMNS} from points_ledger where key = $1", key)
        return Entry(**row) if row else None

    async def awards(self, post_id: str, ref: str | None) -> list[Entry]:
        rows = await self.db.fetch(
            f"""
            select {COLUMNS} from points_ledger
            where post_id = $1 and reason = 'support' and ($2::text is null or ref = $2) order by id
            """,
            post_id,
            ref,
        )
        return [Entry(**row) for row in rows]

    async def of_post(self, post_id: str, ref: str | None) -> list[Entry]:
        rows = await self.db.fetch(
            f"""
            select {COLUMNS} from points_ledger
            where post_id = $1 and ($2::text is null or ref = $2) order by id
            """,
            post_id,
            ref,
        )
        return [Entry(**row) for row in rows]

    async def balance(self, account_id: str) -> int:
        return int(
            await self.db.fetchval(
                "select coalesce(sum(change), 0) from points_ledger where account_id = $1", account_id
            )
        )

    async def page(self, account_id: str, before: int | None, limit: int) -> list[Line]:
        rows = await self.db.fetch(
            f"""
            select id as number, {COLUMNS} from points_ledger
            where account_id = $1 and ($2::bigint is null or id < $2) and change <> 0
            order by id desc limit $3
            """,
            account_id,
            before,
            limit,
        )
        return [line_of(dict(row)) for row in rows]

    async def help_counts(self, account_id: str) -> HelpCounts:
        row = await self.db.fetchrow(
            """
            select count(*) filter (where account_id = $1) as given,
                count(*) filter (where receiver_id = $1) as received,
                count(distinct receiver_id) filter (where account_id = $1) as people_helped
            from points_ledger award
            where reason = 'support' and (account_id = $1 or receiver_id = $1)
                and (
                    select count(*) from points_ledger later
                    where later.post_id = award.post_id and later.account_id = award.account_id
                        and later.kind = award.kind and later.reason <> 'support'
                ) % 2 = 0
            """,
            account_id,
        )
        return HelpCounts(**row) if row else HelpCounts(0, 0, 0)

    async def drifted(self, limit: int) -> list[str]:
        rows = await self.db.fetch(
            """
            select a.id from accounts a
            left join (select account_id, sum(change) as points from points_ledger group by 1) l
                on l.account_id = a.id
            where a.status <> 'erased' and a.strength_points <> coalesce(l.points, 0) limit $1
            """,
            limit,
        )
        return [row["id"] for row in rows]

    async def repair(self, account_id: str) -> int:
        """The lock comes first: the sum is then read with every entry that already moved the balance."""
        kept = await self.db.fetchval(
            "select strength_points from accounts where id = $1 for update", account_id
        )
        if kept is None:
            return 0
        balance = await self.balance(account_id)
        await self.db.execute("update accounts set strength_points = $2 where id = $1", account_id, balance)
        return int(kept - balance)


def line_of(row: dict[str, Any]) -> Line:
    return Line(row.pop("number"), Entry(**row))
