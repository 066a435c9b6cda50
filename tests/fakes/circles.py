"""Circles and their members in memory."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from domain.circles import Circle, CircleFilter, Listed, Member, MemberRole, Membership
from domain.errors import Conflict, NotFound
from domain.pages import Place
from tests.fakes.tables import Membership as Row
from tests.fakes.tables import Tables


class FakeCircles:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, circle: Circle, owner_id: str, creation_id: str | None = None) -> bool:
        if creation_id is not None:
            if await self.by_creation(creation_id) is not None:
                return False
            self._tables.creations[creation_id] = circle.id
        self._tables.circles[circle.id] = replace(circle, member_count=1)
        self._tables.memberships[circle.id, owner_id] = Row("owner", circle.created_at)
        return True

    async def by_creation(self, creation_id: str) -> Circle | None:
        return await self.get(self._tables.creations.get(creation_id, ""))

    async def get(self, id: str) -> Circle | None:
        return self._tables.circles.get(id)

    async def get_many(self, ids: Sequence[str]) -> dict[str, Circle]:
        return {id: self._tables.circles[id] for id in ids if id in self._tables.circles}

    async def lock(self, id: str) -> Circle | None:
        return await self.get(id)

    async def edit(self, id: str, changes: dict[str, Any]) -> Circle:
        circle = self._tables.circles.get(id)
        if circle is None:
            raise NotFound
        changed = replace(circle, **changes)
        if changed.max_members < changed.member_count:
            raise Conflict(field="max_members")
        self._tables.circles[id] = changed
        return changed

    async def page(self, account_id: str, wanted: CircleFilter, limit: int) -> list[Listed]:
        asked = [
            Listed(circle, await self.role_of(circle.id, account_id))
            for circle in self._tables.circles.values()
            if matches(circle, wanted)
        ]
        apart = [await self.owner_of(one.circle.id) in wanted.without_owners for one in asked]
        shown = [
            one
            for one, hidden in zip(asked, apart, strict=True)
            if one.role or not (wanted.mine or one.circle.is_private or hidden)
        ]
        return sorted(shown, key=lambda one: one.circle.id, reverse=True)[:limit]

    async def members(
        self, circle_id: str, after: Place | None, limit: int, *, without: Sequence[str]
    ) -> list[Membership]:
        rows = [
            (Place(row.joined_at, account), row.role)
            for (circle, account), row in self._tables.memberships.items()
            if circle == circle_id and account not in without
        ]
        behind = sorted(row for row in rows if after is None or row[0] > after)
        return [
            Membership(account_id=place.id, role=role, joined_at=place.at) for place, role in behind[:limit]
        ]

    async def role_of(self, circle_id: str, account_id: str) -> MemberRole | None:
        member = self._tables.memberships.get((circle_id, account_id))
        return member.role if member else None

    async def set_role(self, circle_id: str, account_id: str, role: MemberRole) -> bool:
        row = self._tables.memberships.get((circle_id, account_id))
        if row is None:
            return False
        self._tables.memberships[circle_id, account_id] = row._replace(role=role)
        return True

    async def join(self, circle_id: str, account_id: str, at: datetime) -> bool:
        if (circle_id, account_id) in self._tables.memberships:
            return False
        circle = self._tables.circles[circle_id]
        if circle.member_count >= circle.max_members:
            raise Conflict
        self._tables.memberships[circle_id, account_id] = Row("member", at)
        self._tables.circles[circle_id] = replace(circle, member_count=circle.member_count + 1)
        return True

    async def leave(self, circle_id: str, account_id: str) -> bool:
        if self._tables.memberships.pop((circle_id, account_id), None) is None:
            return False
        circle = self._tables.circles[circle_id]
        self._tables.circles[circle_id] = replace(circle, member_count=circle.member_count - 1)
        return True

    async def of_account(self, account_id: str) -> list[Member]:
        mine = [(key[0], row) for key, row in self._tables.memberships.items() if key[1] == account_id]
        mine.sort(key=lambda found: found[1].joined_at)
        return [Member(circle_id, account_id, row.role) for circle_id, row in mine]

    async def count_of(self, account_ids: Iterable[str], circle_ids: Sequence[str]) -> dict[str, int]:
        wanted = frozenset(account_ids)
        return dict(
            Counter(
                circle
                for circle, account in self._tables.memberships
                if circle in circle_ids and account in wanted
            )
        )

    async def categories_of(self, account_id: str) -> list[str]:
        mine = await self.of_account(account_id)
        return sorted({self._tables.circles[member.circle_id].category for member in mine})

    async def owner_of(self, circle_id: str) -> str | None:
        members = self._tables.memberships.items()
        owners = [
            account for (circle, account), held in members if circle == circle_id and held.role == "owner"
        ]
        return next(iter(owners), None)

    async def inherit(self, circle_id: str) -> str | None:
        members = {key[1]: row for key, row in self._tables.memberships.items() if key[0] == circle_id}
        if not members or any(row.role == "owner" for row in members.values()):
            return None
        heir = min(members, key=lambda id: (members[id].role != "moderator", members[id].joined_at, id))
        self._tables.memberships[circle_id, heir] = members[heir]._replace(role="owner")
        return heir

    async def close_empty(self, circle_id: str) -> bool:
        if any(key[0] == circle_id for key in self._tables.memberships):
            return False
        for key in [key for key in self._tables.bars if key[0] == circle_id]:
            del self._tables.bars[key]
        for one in list(self._tables.invitations.values()):
            if one.circle_id == circle_id:
                del self._tables.invitations[one.id]
        return self._tables.circles.pop(circle_id, None) is not None


def matches(circle: Circle, wanted: CircleFilter) -> bool:
    return (
        wanted.category in (None, circle.category)
        and (wanted.name or "").casefold() in circle.name.casefold()
        and (wanted.before is None or circle.id < wanted.before)
    )
