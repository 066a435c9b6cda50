"""The SOS ladders in PostgreSQL, and whom they asked."""

from collections.abc import Sequence
from datetime import datetime

from db.postgres.statements import Db, changed
from domain.helping import MAX_OPEN
from domain.ladder import Answered, AnswerTimes, Asked, Audience, Ladder, Waiting
from domain.matching import Candidate

COLUMNS = """post_id, author_id, circle_id, categories, started_at, step, state, answered_at, answered_by,
    answer_ref"""

AUDIENCES: dict[Audience, str] = {
    "helpers": "a.id = any($2::uuid[])",
    "opted_in": "h.opted_in and $2::uuid[] is not null",
    "moderators": "a.role in ('moderator', 'admin') and $2::uuid[] is not null",
}

CANDIDATES = f"""
select a.id as account_id, coalesce(h.opted_in, false) as opted_in,
    coalesce(h.categories, '{{}}') as categories, coalesce(h.languages, '{{}}') as languages,
    coalesce(h.max_open, {MAX_OPEN}) as max_open, busy.open
from sos_ladders l cross join accounts a
left join helper_settings h on h.account_id = a.id
cross join lateral (
    select count(*) as open from sos_asked k join sos_ladders o on o.post_id = k.post_id
    where k.account_id = a.id and k.left_at is null and o.state = 'open'
) busy
where l.post_id = $1 and a.status = 'active' and a.id <> l.author_id and AUDIENCE
    and (l.circle_id is null or exists (
        select from memberships m where m.circle_id = l.circle_id and m.account_id = a.id))
    and not exists (select from standings s where s.account_id = a.id and s.muted_until > $4)
    and not exists (
        select from blocks b where (b.blocker_id = a.id and b.blocked_id = l.author_id)
            or (b.blocker_id = l.author_id and b.blocked_id = a.id))
    and not exists (select from sos_asked k where k.post_id = l.post_id and k.account_id = a.id)
order by busy.open, a.id limit $3
"""

FORGET = [
    f"""
    delete from {table} where (post_id, account_id) in (
        select one.post_id, one.account_id from {table} one join sos_ladders l on l.post_id = one.post_id
        where l.started_at < $1 and l.state <> 'open' limit $2)
    """
    for table in ("sos_asked", "sos_seen")
]


class LadderRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def start(self, ladder: Ladder) -> None:
        await self.db.execute(
            """
            insert into sos_ladders (post_id, author_id, circle_id, categories, started_at)
            values ($1, $2, $3, $4, $5) on conflict (post_id) do nothing
            """,
            ladder.post_id,
            ladder.author_id,
            ladder.circle_id,
            ladder.categories,
            ladder.started_at,
        )

    async def get(self, post_id: str) -> Ladder | None:
        row = await self.db.fetchrow(f"select {COLUMNS} from sos_ladders where post_id = $1", post_id)
        return Ladder(**row) if row else None

    async def open(self, limit: int) -> list[Ladder]:
        rows = await self.db.fetch(
            f"select {COLUMNS} from sos_ladders where state = 'open' order by started_at, post_id limit $1",
            limit,
        )
        return [Ladder(**row) for row in rows]

    async def candidates(
        self, post_id: str, to: Audience, here: Sequence[str], now: datetime, limit: int
    ) -> list[Candidate]:
        query = CANDIDATES.replace("AUDIENCE", AUDIENCES[to])
        return [Candidate(**row) for row in await self.db.fetch(query, post_id, list(here), limit, now)]

    async def advance(self, post_id: str, step: int) -> bool:
        status = await self.db.execute(
            "update sos_ladders set step = $2 where post_id = $1 and state = 'open' and step < $2",
            post_id,
            step,
        )
        return changed(status)

    async def ask(self, post_id: str, step: int, account_ids: Sequence[str], at: datetime) -> set[str]:
        rows = await self.db.fetch(
            """
            with held as (select post_id from sos_ladders where post_id = $1 and state = 'open' for update)
            insert into sos_asked (post_id, account_id, step, asked_at)
            select held.post_id, a.id, $2, $4 from held, accounts a where a.id = any($3::uuid[])
            on conflict do nothing returning account_id
            """,
            post_id,
            step,
            list(account_ids),
            at,
        )
        return {row["account_id"] for row in rows}

    async def asked(self, post_id: str) -> list[Asked]:
        rows = await self.db.fetch(
            """
            select account_id, step, asked_at, left_at from sos_asked where post_id = $1
            order by asked_at, account_id
            """,
            post_id,
        )
        return [Asked(**row) for row in rows]

    async def leave(self, post_id: str, account_ids: Sequence[str], at: datetime) -> None:
        await self.db.execute(
            """
            update sos_asked set left_at = $3
            where post_id = $1 and account_id = any($2::uuid[]) and left_at is null
            """,
            post_id,
            list(account_ids),
            at,
        )

    async def answer(self, post_id: str, account_id: str, ref: str, at: datetime) -> bool:
        status = await self.db.execute(
            """
            update sos_ladders set state = 'answered', answered_at = $4, answered_by = $2, answer_ref = $3
            where post_id = $1 and state = 'open'
            """,
            post_id,
            account_id,
            ref,
            at,
        )
        return changed(status)

    async def reopen(self, post_id: str, ref: str) -> bool:
        status = await self.db.execute(
            """
            update sos_ladders set state = 'open', answered_at = null, answered_by = null, answer_ref = null
            where post_id = $1 and state = 'answered' and answer_ref = $2
            """,
            post_id,
            ref,
        )
        return changed(status)

    async def reopen_between(self, one: str, other: str, since: datetime) -> list[str]:
        rows = await self.db.fetch(
            """
            update sos_ladders set state = 'open', answered_at = null, answered_by = null, answer_ref = null
            where state = 'answered' and started_at >= $3
                and (author_id, answered_by) in (($1::uuid, $2::uuid), ($2::uuid, $1::uuid))
            returning post_id
            """,
            one,
            other,
            since,
        )
        return sorted(row["post_id"] for row in rows)

    async def close(self, post_id: str) -> None:
        await self.db.execute(
            "update sos_ladders set state = 'over' where post_id = $1 and state = 'open'", post_id
        )

    async def resume(self, post_id: str, started_after: datetime) -> None:
        await self.db.execute(
            """
            update sos_ladders set state = 'open'
            where post_id = $1 and state = 'over' and started_at > $2
            """,
            post_id,
            started_after,
        )

    async def measure(self, post_id: str) -> Answered | None:
        row = await self.db.fetchrow(
            """
            update sos_ladders set measured = true
            where post_id = $1 and state = 'answered' and not measured
            returning categories, first_response_seconds as seconds
            """,
            post_id,
        )
        return Answered(**row) if row else None

    async def first_answers(self, account_id: str) -> int:
        return int(
            await self.db.fetchval(
                "select count(*) from sos_ladders where answered_by = $1 and state = 'answered'", account_id
            )
        )

    async def see(self, post_id: str, account_id: str) -> bool:
        status = await self.db.execute(
            """
            insert into sos_seen (post_id, account_id)
            select post_id, $2 from sos_ladders where post_id = $1 and state = 'open' and author_id <> $2
            on conflict do nothing
            """,
            post_id,
            account_id,
        )
        return changed(status)

    async def seen(self, post_id: str) -> int:
        return int(await self.db.fetchval("select count(*) from sos_seen where post_id = $1", post_id))

    async def forget_attention(self, started_before: datetime, limit: int) -> int:
        statuses = [await self.db.execute(query, started_before, limit) for query in FORGET]
        return sum(int(status.rpartition(" ")[2]) for status in statuses)

    async def waiting(self, limit: int) -> list[Waiting]:
        rows = await self.db.fetch(
            """
            select post_id, categories, circle_id is not null as in_circle, started_at, step,
                asked.asked, asked."left",
                (select count(*) from sos_seen s where s.post_id = l.post_id) as seen
            from sos_ladders l cross join lateral (
                select count(*) as asked, count(left_at) as "left"
                from sos_asked k where k.post_id = l.post_id
            ) asked
            where state = 'open' order by started_at, post_id limit $1
            """,
            limit,
        )
        return [Waiting(**row) for row in rows]

    async def answer_times(self, since: datetime) -> AnswerTimes:
        row = await self.db.fetchrow(
            """
            select count(first_response_seconds) as answered,
                percentile_disc(0.5) within group (order by first_response_seconds) as half_seconds,
                percentile_disc(0.9) within group (order by first_response_seconds) as most_seconds,
                count(*) filter (where state = 'over') as unanswered
            from sos_ladders where started_at >= $1
            """,
            since,
        )
        return AnswerTimes(**row) if row else AnswerTimes(0, None, None, 0)
