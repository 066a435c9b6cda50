"""Invitations in memory."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from domain.invitations import Invitation
from domain.pages import Place
from tests.fakes.tables import Tables


class FakeInvitations:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def put(self, invitation: Invitation) -> None:
        if invitation.account_id is not None:
            known = await self.to_account(invitation.circle_id, invitation.account_id)
            if known is not None:
                del self._tables.invitations[known.id]
        self._tables.invitations[invitation.id] = invitation

    async def get(self, id: str) -> Invitation | None:
        return self._tables.invitations.get(id)

    async def by_code(self, code_hash: bytes) -> Invitation | None:
        return next((one for one in self._all() if one.code_hash == code_hash), None)

    async def to_account(self, circle_id: str, account_id: str) -> Invitation | None:
        key = (circle_id, account_id)
        return next((one for one in self._all() if (one.circle_id, one.account_id) == key), None)

    async def use(self, id: str) -> None:
        invitation = self._tables.invitations[id]
        self._tables.invitations[id] = replace(invitation, uses=invitation.uses + 1)

    async def revoke(self, id: str) -> bool:
        return self._tables.invitations.pop(id, None) is not None

    async def revoke_around(self, circle_id: str, account_id: str) -> None:
        for one in self._all():
            if one.circle_id == circle_id and account_id in (one.inviter_id, one.account_id):
                del self._tables.invitations[one.id]

    async def codes(self, circle_id: str, now: datetime) -> int:
        return sum(
            one.circle_id == circle_id and one.account_id is None and one.is_open(now) for one in self._all()
        )

    async def of_circle(
        self, circle_id: str, now: datetime, after: Place | None, limit: int, *, without: Sequence[str]
    ) -> list[Invitation]:
        found = [one for one in self._all() if one.circle_id == circle_id]
        return page(found, now, after, limit, without)

    async def of_account(
        self, account_id: str, now: datetime, after: Place | None, limit: int, *, without: Sequence[str]
    ) -> list[Invitation]:
        found = [one for one in self._all() if one.account_id == account_id]
        return page(found, now, after, limit, without)

    async def of_person(self, account_id: str, after: str, limit: int) -> list[Invitation]:
        found = [one for one in self._all() if account_id in (one.inviter_id, one.account_id)]
        return sorted((one for one in found if one.id > after), key=lambda one: one.id)[:limit]

    async def prune(self, expired_before: datetime, limit: int) -> int:
        gone = [one for one in self._all() if one.expires_at < expired_before][:limit]
        for one in gone:
            del self._tables.invitations[one.id]
        return len(gone)

    def _all(self) -> list[Invitation]:
        return list(self._tables.invitations.values())


def page(
    found: Sequence[Invitation], now: datetime, after: Place | None, limit: int, without: Sequence[str]
) -> list[Invitation]:
    shown = [
        one
        for one in found
        if one.is_open(now)
        and not {one.inviter_id, one.account_id} & set(without)
        and (after is None or Place(one.created_at, one.id) < after)
    ]
    return sorted(shown, key=lambda one: (one.created_at, one.id), reverse=True)[:limit]
