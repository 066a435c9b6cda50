"""Posts in memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from domain.clock import EPOCH
from domain.errors import Invalid
from domain.pages import Cursor
from domain.posts import Context, Post, PostFilter, PostStatus


class FakePosts:
    def __init__(self) -> None:
        self._posts: dict[str, Post] = {}
        self.verdicts: dict[str, object] = {}
        """What moderation kept beside a post, by the post's id."""

    async def add(self, post: Post) -> Post:
        original = await self.by_client_id(post.author_id, post.client_id)
        return original or self._posts.setdefault(post.id, post)

    async def get(self, id: str) -> Post | None:
        return self._posts.get(id)

    async def by_client_id(self, author_id: str, client_id: str) -> Post | None:
        key = (author_id, client_id)
        return next((post for post in self._posts.values() if (post.author_id, post.client_id) == key), None)

    async def page(self, wanted: PostFilter, after: Cursor | None, limit: int) -> list[Post]:
        check_cursor(wanted, after)
        found = [post for post in self._posts.values() if matches(post, wanted)]
        found.sort(key=lambda post: place(post, wanted), reverse=wanted.sort != "oldest_unanswered")
        if after is not None:
            found = [post for post in found if is_behind(place(post, wanted), after, wanted)]
        return found[:limit]

    async def change(
        self, id: str, changes: dict[str, Any], *, status: PostStatus | None = None
    ) -> Post | None:
        post = self._posts.get(id)
        if post is None or status not in (None, post.status):
            return None
        fields = dict(changes)
        if "verdict" in fields:
            self.verdicts[id] = fields.pop("verdict")
        self._posts[id] = replace(post, **fields)
        return self._posts[id]

    async def set_apart(self, ids: Sequence[str]) -> None:
        for id in ids:
            await self.change(id, {"apart": True})

    async def count_support(self, id: str, kind: str, change: int) -> Post | None:
        post = self._posts.get(id)
        if post is None:
            return None
        counts = {**post.supports, kind: post.supports.get(kind, 0) + change}
        return await self.change(id, {"supports": counts})

    async def count_response(self, id: str, change: int) -> None:
        if id in self._posts:
            await self.change(id, {"responses": self._posts[id].responses + change})

    async def created_since(self, moment: datetime, limit: int) -> list[Post]:
        live = [post for post in self._posts.values() if post.status == "live" and post.created_at >= moment]
        return sorted(live, key=lambda post: post.created_at)[:limit]

    async def due_to_expire(self, now: datetime, limit: int) -> list[Post]:
        due = [post for post in self._posts.values() if post.status != "expired" and post.expires_at <= now]
        return sorted(due, key=lambda post: post.expires_at)[:limit]

    async def expire(self, id: str) -> None:
        emptied = {"status": "expired", "content": "", "content_warning": None, "context": Context()}
        await self.change(id, emptied)
        self.verdicts.pop(id, None)

    async def withdraw(self, author_id: str) -> None:
        for post in list(self._posts.values()):
            if post.author_id == author_id and post.status != "expired":
                await self.expire(post.id)

    async def erase(self, id: str, stand_in: str, rooms: Sequence[str]) -> bool:
        if id not in self._posts or self._posts[id].author_id == stand_in:
            return False
        await self.expire(id)
        left = {"author_id": stand_in, "client_id": id, "categories": [], "rooms": list(rooms)}
        await self.change(id, left)
        return True

    async def shift_counts(self, id: str, responses: int, supports: Mapping[str, int]) -> None:
        await self.count_response(id, responses)
        for kind, change in supports.items():
            await self.count_support(id, kind, change)

    async def scanned(
        self, since: datetime, after: Cursor | None, limit: int
    ) -> list[tuple[Post, Sequence[str]]]:
        found = [one for one in self._posts.values() if one.created_at >= since]
        found = [one for one in found if after is None or in_time(one) > tuple(after)]
        return [(one, self._actions(one.id)) for one in sorted(found, key=in_time)[:limit]]

    def _actions(self, id: str) -> Sequence[str]:
        verdict: Any = self.verdicts.get(id, {})
        return list(verdict.get("actions", ()))


def in_time(one: Post) -> tuple[str | int, ...]:
    return (one.created_at - EPOCH) // timedelta(milliseconds=1), one.id


def matches(post: Post, wanted: PostFilter) -> bool:
    return (
        post.status in wanted.statuses
        and post.author_id not in wanted.without_authors
        and wanted.room in (None, *post.rooms)
        and wanted.circle_id in (None, post.circle_id)
        and wanted.author_id in (None, post.author_id)
        and wanted.type in (None, post.type)
        and wanted.category in (None, *post.categories)
        and post.type != wanted.but_type
        and (not wanted.in_categories or bool(set(wanted.in_categories) & set(post.categories)))
        and not set(wanted.not_in_categories) & set(post.categories)
        and post.urgency >= (wanted.urgency_min or 0)
        and (post.responses != 0 or not wanted.answered)
        and not (post.responses and (wanted.unanswered or wanted.sort == "oldest_unanswered"))
    )


def place(post: Post, wanted: PostFilter) -> list[Any]:
    """Where a post stands in the order of `wanted`."""
    return [post.urgency, post.id] if wanted.sort == "urgent" else [post.id]


def is_behind(at: list[Any], cursor: Cursor, wanted: PostFilter) -> bool:
    return at > list(cursor) if wanted.sort == "oldest_unanswered" else at < list(cursor)


def check_cursor(wanted: PostFilter, cursor: Cursor | None) -> None:
    kinds = [int, str] if wanted.sort == "urgent" else [str]
    if cursor is not None and [type(part) for part in cursor] != kinds:
        raise Invalid(field="cursor")
