"""Responses in MongoDB."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError

from db.mongo.database import Document, Mongo, reachable
from db.mongo.scans import BY_TIME, actions_of, made_since
from domain.errors import Invalid
from domain.pages import Cursor
from domain.responses import Response


class ResponseDocuments:
    def __init__(self, database: Mongo) -> None:
        self._responses = database["responses"]

    async def add(self, response: Response) -> tuple[Response, bool]:
        try:
            with reachable():
                await self._responses.insert_one(document_of(response))
        except DuplicateKeyError:
            original = await self.by_client_id(response.author_id, response.client_id)
            if original is None:
                raise
            return original, False
        return response, True

    async def get(self, id: str) -> Response | None:
        return await self._one({"_id": id})

    async def by_client_id(self, author_id: str, client_id: str) -> Response | None:
        return await self._one({"author_id": author_id, "client_id": client_id})

    async def _one(self, query: Document) -> Response | None:
        with reachable():
            found = await self._responses.find_one(query)
        return response_of(found) if found else None

    async def page(
        self, post_id: str, after: Cursor | None, limit: int, *, without: Iterable[str] = ()
    ) -> list[Response]:
        query: Document = {"post_id": post_id, "status": "live", **beyond(after)}
        if hidden := list(without):
            query["author_id"] = {"$nin": hidden}
        with reachable():
            found = await self._responses.find(query).sort("key", ASCENDING).limit(limit).to_list(limit)
        return [response_of(document) for document in found]

    async def from_authors(self, post_ids: Sequence[str], authors: Iterable[str]) -> list[str]:
        wanted = list(authors)
        if not wanted or not post_ids:
            return []
        query = {"post_id": {"$in": list(post_ids)}, "status": "live", "author_id": {"$in": wanted}}
        with reachable():
            found = await self._responses.find(query, {"post_id": True}).to_list(None)
        return [document["post_id"] for document in found]

    async def authors(self, post_id: str) -> list[str]:
        query = {"post_id": post_id, "status": "live"}
        with reachable():
            found = await self._responses.find(query, {"author_id": True}).to_list(None)
        return [document["author_id"] for document in found]

    async def said_by(self, author_id: str, post_id: str) -> list[Response]:
        query = {"post_id": post_id, "status": "live", "author_id": author_id}
        with reachable():
            found = await self._responses.find(query).sort("key", ASCENDING).to_list(None)
        return [response_of(document) for document in found]

    async def posts_of(self, author_id: str, limit: int) -> list[str]:
        newest = self._responses.find({"author_id": author_id}, {"post_id": True}).sort("key", DESCENDING)
        with reachable():
            found = await newest.limit(limit).to_list(limit)
        return list(dict.fromkeys(document["post_id"] for document in found))

    async def created_since(self, moment: datetime, limit: int) -> list[Response]:
        query = {"status": "live", "created_at": {"$gte": moment}}
        with reachable():
            found = (
                await self._responses.find(query).sort("created_at", ASCENDING).limit(limit).to_list(limit)
            )
        return [response_of(document) for document in found]

    async def change(self, id: str, changes: dict[str, object], *, status: str = "live") -> Response | None:
        with reachable():
            result = await self._responses.update_one({"_id": id, "status": status}, {"$set": changes})
        return await self.get(id) if result.matched_count else None

    async def counts(self, post_ids: Sequence[str]) -> dict[str, int]:
        grouped: list[Document] = [
            {"$match": {"post_id": {"$in": list(post_ids)}, "status": "live"}},
            {"$group": {"_id": "$post_id", "count": {"$sum": 1}}},
        ]
        with reachable():
            found = await self._responses.aggregate(grouped).to_list(None)
        return {document["_id"]: document["count"] for document in found}

    async def thanked_counts(self, author_ids: Sequence[str]) -> dict[str, int]:
        grouped: list[Document] = [
            {"$match": {"author_id": {"$in": list(author_ids)}, "thanked": True}},
            {"$group": {"_id": "$author_id", "count": {"$sum": 1}}},
        ]
        with reachable():
            found = await self._responses.aggregate(grouped).to_list(None)
        return {document["_id"]: document["count"] for document in found}

    async def expire_thread(self, post_id: str) -> None:
        emptied: Document = {"$set": {"content": "", "voice_note": None}, "$unset": {"verdict": ""}}
        with reachable():
            await self._responses.update_many({"post_id": post_id}, emptied)
            await self._responses.update_many(
                {"post_id": post_id, "status": "live"}, {"$set": {"status": "expired"}}
            )

    async def by_author(self, author_id: str, after: str | None, limit: int) -> list[Response]:
        query: Document = {"author_id": author_id, **({"key": {"$lt": after}} if after else {})}
        with reachable():
            found = await self._responses.find(query).sort("key", DESCENDING).limit(limit).to_list(limit)
        return [response_of(document) for document in found]

    async def withdraw(self, author_id: str) -> None:
        for found, left in ((["live"], "expired"), (["held", "hidden"], "removed")):
            nothing = {"content": "", "voice_note": None, "status": left}
            emptied = {"$set": nothing, "$unset": {"verdict": ""}}
            with reachable():
                await self._responses.update_many({"author_id": author_id, "status": {"$in": found}}, emptied)

    async def delete(self, id: str) -> bool:
        with reachable():
            result = await self._responses.delete_one({"_id": id})
        return bool(result.deleted_count)

    async def scanned(
        self, since: datetime, after: Cursor | None, limit: int
    ) -> list[tuple[Response, Sequence[str]]]:
        with reachable():
            found = (
                await self._responses.find(made_since(since, after)).sort(BY_TIME).limit(limit).to_list(limit)
            )
        return [(response_of(document), actions_of(document)) for document in found]


def document_of(response: Response) -> Document:
    document: Document = msgspec.structs.asdict(response)
    document["voice_note"] = msgspec.to_builtins(response.voice_note)
    return {"_id": document.pop("id"), "key": response.id, **document}


def response_of(document: Document) -> Response:
    return msgspec.convert({**document, "id": document["_id"]}, Response)


def beyond(after: Cursor | None) -> Document:
    match after:
        case None:
            return {}
        case [str(key)]:
            return {"key": {"$gt": key}}
    raise Invalid("This cursor belongs to another list.", field="cursor")
