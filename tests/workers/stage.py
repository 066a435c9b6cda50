"""A stage on real stores with a clock that a test moves: people, what they do, and all that is stored."""

from dataclasses import dataclass
from typing import Any

import asyncpg
from motor.motor_asyncio import AsyncIOMotorDatabase
from redis.asyncio import Redis

from domain import posts, responses, sessions, support
from domain.accounts import User
from domain.ids import new_id
from domain.ports import Ports
from domain.posts import CreatePost, PostView
from domain.responses import Respond, ResponseView
from domain.sessions import RegisterAnonymous
from domain.support import GiveSupport
from tests.contract.makers import Makers
from tests.fakes.clock import FakeClock
from workers.job import KINDS


@dataclass(frozen=True)
class Stage:
    ports: Ports
    clock: FakeClock
    make: Makers
    rows: "asyncpg.Connection[Any]"
    documents: AsyncIOMotorDatabase[dict[str, Any]]
    redis: Redis

    async def person(self, **fields: Any) -> User:
        registered = await sessions.register_anonymous(RegisterAnonymous(), self.ports)
        if fields:
            await self.ports.records.accounts.update(registered.account.id, fields)
        return await sessions.identify(registered.tokens.access_token, self.ports)

    async def post(self, author: User, content: str = "Day 30.", **fields: Any) -> PostView:
        command = CreatePost(**{"client_id": new_id(), "type": "check_in", "content": content, **fields})
        return (await posts.create_post(command, author, self.ports)).post

    async def answer(self, author: User, post: PostView, content: str = "I am here.") -> ResponseView:
        command = Respond(client_id=new_id(), content=content, post_id=post.id)
        return (await responses.respond(command, author, self.ports)).response

    async def tap(self, giver: User, post: PostView) -> str:
        """What the support is called in jobs and in the ledger."""
        await support.give_support(GiveSupport(post_id=post.id, kind="been_there"), giver, self.ports)
        return support.support_ref(post.id, giver.id, "been_there")

    async def run(self, name: str, args: dict[str, str]) -> None:
        """The job as a worker would call it, until all it announced is told."""
        await KINDS[name].function(self.ports, **args)
        await self.ports.announcer.drain()

    async def stored(self) -> dict[str, Any]:
        """Every row, every document, every event of a room."""
        return {**await self._rows(), **await self._documents(), **await self._events()}

    async def _rows(self) -> dict[str, Any]:
        tables = await self.rows.fetch("select tablename from pg_tables where schemaname = 'public'")
        return {table: await self._rows_of(table) for (table,) in tables}

    async def _rows_of(self, table: str) -> list[str]:
        rows = await self.rows.fetch(f"select to_jsonb(t)::text as row from {table} t")  # noqa: S608
        return sorted(row["row"] for row in rows)

    async def _documents(self) -> dict[str, Any]:
        """When a text was last scanned may move: that is no change to anybody."""
        names = await self.documents.list_collection_names()
        found = {name: await self.documents[name].find().sort("_id").to_list(None) for name in names}
        for document in [one for documents in found.values() for one in documents]:
            document.get("verdict", {}).pop("scanned_at", None)
        return found

    async def _events(self) -> dict[str, Any]:
        keys = [key async for key in self.redis.scan_iter(_type="stream")]
        return {key.decode(): await self.redis.xrange(key) for key in keys}
