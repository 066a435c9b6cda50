"""Cravings in MongoDB."""

from datetime import datetime

import msgspec
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError

from db.mongo.database import Document, Mongo, reachable
from domain.cravings import Craving


class CravingDocuments:
    def __init__(self, database: Mongo) -> None:
        self._cravings = database["cravings"]

    async def add(self, craving: Craving) -> Craving:
        document: Document = msgspec.structs.asdict(craving)
        try:
            with reachable():
                await self._cravings.insert_one({"_id": document.pop("id"), **document})
        except DuplicateKeyError:
            return await self.get(craving.id) or craving
        return craving

    async def get(self, id: str) -> Craving | None:
        with reachable():
            found = await self._cravings.find_one({"_id": id})
        return craving_of(found) if found else None

    async def since(self, account_id: str, moment: datetime, limit: int) -> list[Craving]:
        query = {"account_id": account_id, "at": {"$gte": moment}}
        with reachable():
            found = await self._cravings.find(query).sort("at", DESCENDING).limit(limit).to_list(limit)
        return [craving_of(document) for document in found]

    async def page(self, account_id: str, after: str, limit: int) -> list[Craving]:
        query = {"account_id": account_id, "_id": {"$gt": after}}
        with reachable():
            found = await self._cravings.find(query).sort("_id", ASCENDING).limit(limit).to_list(limit)
        return [craving_of(document) for document in found]

    async def forget(self, account_id: str, limit: int) -> int:
        with reachable():
            found = (
                await self._cravings.find({"account_id": account_id}, {"_id": 1}).limit(limit).to_list(limit)
            )
            result = await self._cravings.delete_many({"_id": {"$in": [one["_id"] for one in found]}})
        return int(result.deleted_count)


def craving_of(document: Document) -> Craving:
    return msgspec.convert({**document, "id": document["_id"]}, Craving)
