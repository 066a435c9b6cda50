"""The SOS ladders in memory."""

import math
from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from domain.accounts import Account
from domain.helping import HelperSettings
from domain.ladder import Answered, AnswerTimes, Asked, Audience, Ladder, Waiting
from domain.matching import Candidate
from tests.fakes.tables import Tables


class FakeLadders:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def start(self, ladder: Ladder) -> None:
        self._tables.ladders.setdefault(ladder.post_id, ladder)

    async def get(self, post_id: str) -> Ladder | None:
        return self._tables.ladders.get(post_id)

    async def open(self, limit: int) -> list[Ladder]:
        found = [ladder for ladder in self._tables.ladders.values() if ladder.state == "open"]
        return sorted(found, key=lambda ladder: (ladder.started_at, ladder.post_id))[:limit]

    async def candidates(
        self, post_id: str, to: Audience, here: Sequence[str], now: datetime, limit: int
    ) -> list[Candidate]:
        ladder = self._tables.ladders.get(post_id)
        if ladder is None:
            return []
        found = [
            self._candidate(account)
            for account in self._tables.accounts.values()
            if self._is_of(account, to, here) and self._may_be_asked(account, ladder, now)
        ]
        return sorted(found, key=lambda one: (one.open, one.account_id))[:limit]

    def _is_of(self, account: Account, to: Audience, here: Sequence[str]) -> bool:
        if to == "helpers":
            return account.id in here
        if to == "opted_in":
            return self._settings(account.id).opted_in
        return account.role in {"moderator", "admin"}

    def _settings(self, account_id: str) -> HelperSettings:
        return self._tables.helper_settings.get(account_id) or HelperSettings(account_id=account_id)

    def _may_be_asked(self, account: Account, ladder: Ladder, now: datetime) -> bool:
        pair = (account.id, ladder.author_id)
        blocked = pair in self._tables.blocks or pair[::-1] in self._tables.blocks
        outside = ladder.circle_id and (ladder.circle_id, account.id) not in self._tables.memberships
        known = account.id == ladder.author_id or (ladder.post_id, account.id) in self._tables.asked
        return account.status == "active" and not (
            blocked or outside or known or self._is_muted(account, now)
        )

    def _is_muted(self, account: Account, now: datetime) -> bool:
        standing = self._tables.standings.get(account.id)
        return standing is not None and standing.muted_until is not None and standing.muted_until > now

    def _candidate(self, account: Account) -> Candidate:
        settings = self._settings(account.id)
        return Candidate(
            account_id=account.id,
            opted_in=settings.opted_in,
            categories=settings.categories,
            languages=settings.languages,
            max_open=settings.max_open,
            open=self._open_asks(account.id),
        )

    def _open_asks(self, account_id: str) -> int:
        return sum(
            self._tables.ladders[post_id].state == "open"
            for (post_id, asked_id), one in self._tables.asked.items()
            if asked_id == account_id and one.left_at is None
        )

    async def advance(self, post_id: str, step: int) -> bool:
        ladder = self._tables.ladders.get(post_id)
        if ladder is None or ladder.state != "open" or ladder.step >= step:
            return False
        self._tables.ladders[post_id] = replace(ladder, step=step)
        return True

    async def ask(self, post_id: str, step: int, account_ids: Sequence[str], at: datetime) -> set[str]:
        ladder = self._tables.ladders.get(post_id)
        if ladder is None or ladder.state != "open":
            return set()
        new = {id for id in account_ids if (post_id, id) not in self._tables.asked}
        self._tables.asked |= {(post_id, id): Asked(account_id=id, step=step, asked_at=at) for id in new}
        return new

    async def asked(self, post_id: str) -> list[Asked]:
        found = [one for (asked_of, _), one in self._tables.asked.items() if asked_of == post_id]
        return sorted(found, key=lambda one: (one.asked_at, one.account_id))

    async def leave(self, post_id: str, account_ids: Sequence[str], at: datetime) -> None:
        for account_id in account_ids:
            one = self._tables.asked.get((post_id, account_id))
            if one is not None and one.left_at is None:
                self._tables.asked[post_id, account_id] = replace(one, left_at=at)

    async def answer(self, post_id: str, account_id: str, ref: str, at: datetime) -> bool:
        ladder = self._tables.ladders.get(post_id)
        if ladder is None or ladder.state != "open":
            return False
        self._tables.ladders[post_id] = replace(
            ladder, state="answered", answered_at=at, answered_by=account_id, answer_ref=ref
        )
        return True

    async def reopen(self, post_id: str, ref: str) -> bool:
        ladder = self._tables.ladders.get(post_id)
        if ladder is None or ladder.state != "answered" or ladder.answer_ref != ref:
            return False
        self._tables.ladders[post_id] = replace(
            ladder, state="open", answered_at=None, answered_by=None, answer_ref=None
        )
        return True

    async def reopen_between(self, one: str, other: str, since: datetime) -> list[str]:
        found = [
            ladder
            for ladder in self._tables.ladders.values()
            if {ladder.author_id, ladder.answered_by} == {one, other} and ladder.started_at >= since
        ]
        for ladder in found:
            await self.reopen(ladder.post_id, ladder.answer_ref or "")
        return sorted(ladder.post_id for ladder in found)

    async def resume(self, post_id: str, started_after: datetime) -> None:
        ladder = self._tables.ladders.get(post_id)
        if ladder is not None and ladder.state == "over" and ladder.started_at > started_after:
            self._tables.ladders[post_id] = replace(ladder, state="open")

    async def close(self, post_id: str) -> None:
        ladder = self._tables.ladders.get(post_id)
        if ladder is not None and ladder.state == "open":
            self._tables.ladders[post_id] = replace(ladder, state="over")

    async def measure(self, post_id: str) -> Answered | None:
        ladder = self._tables.ladders.get(post_id)
        if ladder is None or ladder.answered_at is None or post_id in self._tables.measured:
            return None
        self._tables.measured[post_id] = None
        return Answered(ladder.categories, (ladder.answered_at - ladder.started_at).total_seconds())

    async def first_answers(self, account_id: str) -> int:
        return sum(ladder.answered_by == account_id for ladder in self._tables.ladders.values())

    async def see(self, post_id: str, account_id: str) -> bool:
        ladder = self._tables.ladders.get(post_id)
        if ladder is None or ladder.state != "open" or ladder.author_id == account_id:
            return False
        if (post_id, account_id) in self._tables.seen:
            return False
        self._tables.seen[post_id, account_id] = None
        return True

    async def forget_attention(self, started_before: datetime, limit: int) -> int:
        old = {
            ladder.post_id
            for ladder in self._tables.ladders.values()
            if ladder.state != "open" and ladder.started_at < started_before
        }
        asked = [key for key in self._tables.asked if key[0] in old][:limit]
        seen = [key for key in self._tables.seen if key[0] in old][:limit]
        for key in asked:
            del self._tables.asked[key]
        for key in seen:
            del self._tables.seen[key]
        return len(asked) + len(seen)

    async def seen(self, post_id: str) -> int:
        return sum(seen_of == post_id for seen_of, _ in self._tables.seen)

    async def waiting(self, limit: int) -> list[Waiting]:
        return [await self._waiting(ladder) for ladder in await self.open(limit)]

    async def _waiting(self, ladder: Ladder) -> Waiting:
        asked = await self.asked(ladder.post_id)
        return Waiting(
            post_id=ladder.post_id,
            categories=ladder.categories,
            in_circle=ladder.circle_id is not None,
            started_at=ladder.started_at,
            step=ladder.step,
            asked=len(asked),
            left=sum(one.left_at is not None for one in asked),
            seen=await self.seen(ladder.post_id),
        )

    async def answer_times(self, since: datetime) -> AnswerTimes:
        found = [ladder for ladder in self._tables.ladders.values() if ladder.started_at >= since]
        took = sorted((one.answered_at - one.started_at).total_seconds() for one in found if one.answered_at)
        half, most = (took[math.ceil(len(took) * share) - 1] if took else None for share in (0.5, 0.9))
        return AnswerTimes(len(took), half, most, sum(one.state == "over" for one in found))
