"""Posts in MongoDB."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, get_args

import msgspec
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError

from db.mongo.database import Document, Mongo, reachable
from db.mongo.scans import BY_TIME, actions_of, made_since
from domain.errors import Invalid
from domain.pages import Cursor
from domain.posts import Post, PostFilter, PostStatus


class PostDocuments:
    def __init__(self, database: Mongo) -> None:
        self._posts = database["posts"]

    async def add(self, post: Post) -> Post:
        try:
            with reachable():
                await self._posts.insert_one(document_of(post))
        except DuplicateKeyError:
            original = await self.by_client_id(post.author_id, post.client_id)
            if original is None:
                raise
            return original
        return post

    async def get(self, id: str) -> Post | None:
        return await self._one({"_id": id})

    async def by_client_id(self, author_id: str, client_id: str) -> Post | None:
        return await self._one({"author_id": author_id, "client_id": client_id})

    async def _one(self, query: Document) -> Post | None:
        with reachable():
            found = await self._posts.find_one(query)
        return post_of(found) if found else None

    async def page(self, wanted: PostFilter, after: Cursor | None, limit: int) -> list[Post]:
        query = {**conditions(wanted), **beyond(wanted, after)}
        with reachable():
            found = await self._posts.find(query).sort(order(wanted)).limit(limit).to_list(limit)
        return [post_of(document) for document in found]

    async def change(
        self, id: str, changes: dict[str, object], *, status: PostStatus | None = None
    ) -> Post | None:
        guard = {"status": status} if status else {}
        with reachable():
            result = await self._posts.update_one({"_id": id, **guard}, {"$set": changes})
        return await self.get(id) if result.matched_count else None

    async def set_apart(self, ids: Sequence[str]) -> None:
        with reachable():
            await self._posts.update_many({"_id": {"$in": list(ids)}}, {"$set": {"apart": True}})

    async def count_support(self, id: str, kind: str, change: int) -> Post | None:
        with reachable():
            await self._posts.update_one({"_id": id}, {"$inc": {f"supports.{kind}": change}})
        return await self.get(id)

    async def count_response(self, id: str, change: int) -> None:
        with reachable():
            await self._posts.update_one({"_id": id}, {"$inc": {"responses": change}})

    async def created_since(self, moment: datetime, limit: int) -> list[Post]:
        query = {"status": "live", "created_at": {"$gte": moment}}
        with reachable():
            found = await self._posts.find(query).sort("created_at", ASCENDING).limit(limit).to_list(limit)
        return [post_of(document) for document in found]

    async def due_to_expire(self, now: datetime, limit: int) -> list[Post]:
        query = {"status": {"$in": UNEXPIRED}, "expires_at": {"$lte": now}}
        with reachable():
            found = await self._posts.find(query).sort("expires_at", ASCENDING).limit(limit).to_list(limit)
        return [post_of(document) for document in found]

    async def expire(self, id: str) -> None:
        with reachable():
            await self._posts.update_one({"_id": id}, {"$set": EMPTIED, "$unset": {"verdict": ""}})

    async def withdraw(self, author_id: str) -> None:
        with reachable():
            await self._posts.update_many(
                {"author_id": author_id, "status": {"$in": UNEXPIRED}},
                {"$set": EMPTIED, "$unset": {"verdict": ""}},
            )

    async def erase(self, id: str, stand_in: str, rooms: Sequence[str]) -> bool:
        """The client's own id may say something about its phone."""
        left = {**EMPTIED, "author_id": stand_in, "client_id": id, "categories": [], "rooms": list(rooms)}
        with reachable():
            result = await self._posts.update_one(
                {"_id": id, "author_id": {"$ne": stand_in}}, {"$set": left, "$unset": {"verdict": ""}}
            )
        return bool(result.modified_count)

    async def shift_counts(self, id: str, responses: int, supports: Mapping[str, int]) -> None:
        shifts = {"responses": responses, **{f"supports.{kind}": by for kind, by in supports.items()}}
        with reachable():
            await self._posts.update_one({"_id": id}, {"$inc": shifts})

    async def scanned(
        self, since: datetime, after: Cursor | None, limit: int
    ) -> list[tuple[Post, Sequence[str]]]:
        with reachable():
            found = await self._posts.find(made_since(since, after)).sort(BY_TIME).limit(limit).to_list(limit)
        return [(post_of(document), actions_of(document)) for document in found]


EMPTIED: Document = {"status": "expired", "content": "", "content_warning": None, "context": {}}
UNEXPIRED = [status for status in get_args(PostStatus) if status != "expired"]


def document_of(post: Post) -> Document:
    document: Document = msgspec.structs.asdict(post)
    document["context"] = msgspec.structs.asdict(post.context)
    return {"_id": document.pop("id"), "key": post.id, **document}


def post_of(document: Document) -> Post:
    """`msgspec` builds the structs; what else a document holds (a verdict, say) is not part of a post."""
    return msgspec.convert({**document, "id": document["_id"]}, Post)


def conditions(wanted: PostFilter) -> Document:
    """Every field is asked by one plain condition: the embedded server scans for `$or` and `$and`."""
    asked: dict[str, Document] = {
        "rooms": {"$eq": wanted.room},
        "circle_id": {"$eq": wanted.circle_id},
        "author_id": {"$eq": wanted.author_id, "$nin": list(wanted.without_authors)},
        "type": {"$eq": wanted.type, "$ne": wanted.but_type},
        "categories": {
            "$eq": wanted.category,
            "$in": list(wanted.in_categories),
            "$nin": list(wanted.not_in_categories),
        },
        "urgency": {"$gte": wanted.urgency_min},
        "responses": responses_of(wanted),
        "status": {"$in": list(wanted.statuses)},
    }
    given = {
        name: {op: value for op, value in test.items() if is_asked(value)} for name, test in asked.items()
    }
    return {name: plain(test) for name, test in given.items() if test}


def responses_of(wanted: PostFilter) -> Document:
    if wanted.unanswered or wanted.sort == "oldest_unanswered":
        return {"$eq": 0}
    return {"$ne": 0} if wanted.answered else {}


def is_asked(value: object) -> bool:
    return value is not None and value != []


def plain(test: Document) -> Any:
    """An equality alone in its short form, which every server finds an index for."""
    return test["$eq"] if list(test) == ["$eq"] else test


def order(wanted: PostFilter) -> list[tuple[str, int]]:
    if wanted.sort == "urgent":
        return [("urgency", DESCENDING), ("key", DESCENDING)]
    return [("key", ASCENDING if wanted.sort == "oldest_unanswered" else DESCENDING)]


def beyond(wanted: PostFilter, after: Cursor | None) -> Document:
    """The range of keys behind a cursor; raises `Invalid` for the cursor of another order."""
    match (wanted.sort, after):
        case (_, None):
            return {}
        case ("urgent", [int(urgency), str(key)]):
            return {"$or": [{"urgency": {"$lt": urgency}}, {"urgency": urgency, "key": {"$lt": key}}]}
        case ("oldest_unanswered", [str(key)]):
            return {"key": {"$gt": key}}
        case ("recent", [str(key)]):
            return {"key": {"$lt": key}}
    raise Invalid("This cursor belongs to another list.", field="cursor")
