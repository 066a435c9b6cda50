"""Responses in memory."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from domain.clock import EPOCH
from domain.errors import Invalid
from domain.pages import Cursor
from domain.responses import Response


class FakeResponses:
    def __init__(self) -> None:
        self._responses: dict[str, Response] = {}
        self.verdicts: dict[str, object] = {}
        """What moderation kept beside a response, by the response's id."""

    async def add(self, response: Response) -> tuple[Response, bool]:
        original = await self.by_client_id(response.author_id, response.client_id)
        if original is not None:
            return original, False
        self._responses[response.id] = response
        return response, True

    async def get(self, id: str) -> Response | None:
        return self._responses.get(id)

    async def by_client_id(self, author_id: str, client_id: str) -> Response | None:
        key = (author_id, client_id)
        return next((one for one in self._responses.values() if (one.author_id, one.client_id) == key), None)

    async def page(
        self, post_id: str, after: Cursor | None, limit: int, *, without: Iterable[str] = ()
    ) -> list[Response]:
        hidden, behind = set(without), key_of(after)
        found = [
            one
            for one in self._responses.values()
            if (one.post_id, one.status) == (post_id, "live")
            and one.author_id not in hidden
            and one.id > behind
        ]
        return sorted(found, key=lambda one: one.id)[:limit]

    async def authors(self, post_id: str) -> list[str]:
        live = [one for one in self._responses.values() if (one.post_id, one.status) == (post_id, "live")]
        return [one.author_id for one in live]

    async def said_by(self, author_id: str, post_id: str) -> list[Response]:
        wanted = (author_id, post_id, "live")
        said = [one for one in self._responses.values() if (one.author_id, one.post_id, one.status) == wanted]
        return sorted(said, key=lambda one: one.id)

    async def posts_of(self, author_id: str, limit: int) -> list[str]:
        said = sorted(one.id for one in self._responses.values() if one.author_id == author_id)
        return list(dict.fromkeys(self._responses[id].post_id for id in said[::-1][:limit]))

    async def from_authors(self, post_ids: Sequence[str], authors: Iterable[str]) -> list[str]:
        wanted = set(authors)
        live = [one for one in self._responses.values() if one.status == "live"]
        return [one.post_id for one in live if one.post_id in post_ids and one.author_id in wanted]

    async def created_since(self, moment: datetime, limit: int) -> list[Response]:
        live = [one for one in self._responses.values() if one.status == "live" and one.created_at >= moment]
        return sorted(live, key=lambda one: one.created_at)[:limit]

    async def change(self, id: str, changes: dict[str, Any], *, status: str = "live") -> Response | None:
        response = self._responses.get(id)
        if response is None or response.status != status:
            return None
        fields = dict(changes)
        if "verdict" in fields:
            self.verdicts[id] = fields.pop("verdict")
        self._responses[id] = replace(response, **fields)
        return self._responses[id]

    async def counts(self, post_ids: Sequence[str]) -> dict[str, int]:
        live = [one for one in self._responses.values() if one.status == "live" and one.post_id in post_ids]
        return Counter(one.post_id for one in live)

    async def thanked_counts(self, author_ids: Sequence[str]) -> dict[str, int]:
        thanked = [one.author_id for one in self._responses.values() if one.thanked]
        return Counter(author_id for author_id in thanked if author_id in author_ids)

    async def expire_thread(self, post_id: str) -> None:
        for one in self._responses.values():
            if one.post_id == post_id:
                status = "expired" if one.status == "live" else one.status
                self._responses[one.id] = replace(one, content="", voice_note=None, status=status)
                self.verdicts.pop(one.id, None)

    async def by_author(self, author_id: str, after: str | None, limit: int) -> list[Response]:
        mine = [one for one in self._responses.values() if one.author_id == author_id]
        mine = [one for one in mine if after is None or one.id < after]
        return sorted(mine, key=lambda one: one.id, reverse=True)[:limit]

    async def withdraw(self, author_id: str) -> None:
        left = {"live": "expired", "held": "removed", "hidden": "removed"}
        for one in self._responses.values():
            if one.author_id == author_id and one.status in left:
                self._responses[one.id] = replace(one, content="", voice_note=None, status=left[one.status])
                self.verdicts.pop(one.id, None)

    async def delete(self, id: str) -> bool:
        return self._responses.pop(id, None) is not None

    async def scanned(
        self, since: datetime, after: Cursor | None, limit: int
    ) -> list[tuple[Response, Sequence[str]]]:
        found = [one for one in self._responses.values() if one.created_at >= since]
        found = [one for one in found if after is None or in_time(one) > tuple(after)]
        return [(one, self._actions(one.id)) for one in sorted(found, key=in_time)[:limit]]

    def _actions(self, id: str) -> Sequence[str]:
        verdict: Any = self.verdicts.get(id, {})
        return list(verdict.get("actions", ()))


def in_time(one: Response) -> tuple[str | int, ...]:
    return (one.created_at - EPOCH) // timedelta(milliseconds=1), one.id


def key_of(cursor: Cursor | None) -> str:
    match cursor:
        case None:
            return ""
        case [str(key)]:
            return key
    raise Invalid(field="cursor")
