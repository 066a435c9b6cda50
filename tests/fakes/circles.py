"""Circles and their members in memory."""

from datetime import datetime

from msgspec.structs import replace

from domain.circles import Circle, Member, MemberRole
from domain.errors import Conflict
from tests.fakes.tables import Membership, Tables


class FakeCircles:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, circle: Circle, owner_id: str) -> None:
        self._tables.circles[circle.id] = replace(circle, member_count=1)
        self._tables.memberships[circle.id, owner_id] = Membership("owner", circle.created_at)

    async def get(self, id: str) -> Circle | None:
        return self._tables.circles.get(id)

    async def role_of(self, circle_id: str, account_id: str) -> MemberRole | None:
        member = self._tables.memberships.get((circle_id, account_id))
        return member.role if member else None

    async def join(self, circle_id: str, account_id: str, at: datetime) -> bool:
        if (circle_id, account_id) in self._tables.memberships:
            return False
        circle = self._tables.circles[circle_id]
        if circle.member_count >= circle.max_members:
            raise Conflict
        self._tables.memberships[circle_id, account_id] = Membership("member", at)
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
        return self._tables.circles.pop(circle_id, None) is not None
