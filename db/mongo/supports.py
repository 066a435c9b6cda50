"""Quick supports in MongoDB: the id says who gave which kind to what, so a second tap finds itself there."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError

from db.mongo.database import Document, Mongo, reachable
from domain.ports import Given


class SupportDocuments:
    def __init__(self, database: Mongo) -> None:
        self._supports = database["supports"]

    async def add(self, post_id: str, giver_id: str, kind: str, at: datetime) -> bool:
        document = {
            "_id": support_id(post_id, giver_id, kind),
            "post_id": post_id,
            "giver_id": giver_id,
            "kind": kind,
            "created_at": at,
        }
        try:
            with reachable():
                await self._supports.insert_one(document)
        except DuplicateKeyError:
            return False
        return True

    async def remove(self, post_id: str, giver_id: str, kind: str) -> bool:
        with reachable():
            result = await self._supports.delete_one({"_id": support_id(post_id, giver_id, kind)})
        return bool(result.deleted_count)

    async def kinds_of(self, post_id: str, giver_id: str) -> list[str]:
        with reachable():
            found = await self._supports.find({"post_id": post_id, "giver_id": giver_id}).to_list(100)
        return [document["kind"] for document in found]

    async def from_givers(self, post_ids: Sequence[str], givers: Iterable[str]) -> list[tuple[str, str]]:
        wanted = list(givers)
        if not wanted or not post_ids:
            return []
        query = {"giver_id": {"$in": wanted}, "post_id": {"$in": list(post_ids)}}
        with reachable():
            found = await self._supports.find(query).to_list(None)
        return [(document["post_id"], document["kind"]) for document in found]

    async def by_giver(self, giver_id: str, after: str, limit: int) -> list[Given]:
        query = {"giver_id": giver_id, "post_id": {"$gt": after}}
        with reachable():
            found = await self._supports.find(query).sort("post_id", ASCENDING).limit(limit).to_list(limit)
        return [Given(one["post_id"], one["kind"], one["created_at"]) for one in found]

    async def posts_of(self, giver_id: str, limit: int) -> list[str]:
        newest = self._supports.find({"giver_id": giver_id}, {"post_id": True}).sort("created_at", DESCENDING)
        with reachable():
            found = await newest.limit(limit).to_list(limit)
        return list(dict.fromkeys(document["post_id"] for document in found))

    async def counts(self, post_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        grouped: list[Document] = [
            {"$match": {"post_id": {"$in": list(post_ids)}}},
            {"$group": {"_id": {"post_id": "$post_id", "kind": "$kind"}, "count": {"$sum": 1}}},
        ]
        with reachable():
            found = await self._supports.aggregate(grouped).to_list(None)
        counts: dict[str, dict[str, int]] = {}
        for document in found:
            counts.setdefault(document["_id"]["post_id"], {})[document["_id"]["kind"]] = document["count"]
        return counts

    async def given_to(self, post_id: str) -> list[tuple[str, str]]:
        with reachable():
            found = await self._supports.find({"post_id": post_id}).to_list(None)
        return [(document["giver_id"], document["kind"]) for document in found]

    async def forget(self, post_id: str) -> None:
        with reachable():
            await self._supports.delete_many({"post_id": post_id})


def support_id(post_id: str, giver_id: str, kind: str) -> str:
    return f"{post_id}:{giver_id}:{kind}"
