"""A stage on real stores with a clock that a test moves: people, what they do, and all that is stored."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from redis.asyncio import Redis

import workers.jobs  # noqa: F401  (registers them)
from db.stores import open_stores
from domain import posts, responses, sessions, support, voice_notes
from domain.accounts import User
from domain.clock import utc_now
from domain.ids import new_id
from domain.jobs import Job, JobFilter, JobRow, Outcome
from domain.ports import Ports
from domain.posts import CreatePost, PostView
from domain.responses import Respond, ResponseView
from domain.sessions import RegisterAnonymous
from domain.settings import load_settings
from domain.support import GiveSupport
from domain.voice_notes import AddVoiceNote
from tests.contract.makers import Makers
from tests.fakes.clock import FakeClock
from tests.fakes.ports import SECRET
from tests.fakes.push import FakePush
from tests.recordings import recording
from workers.job import KINDS


@dataclass(frozen=True)
class Stage:
    ports: Ports
    clock: FakeClock
    make: Makers
    rows: "asyncpg.Connection[Any]"
    documents: AsyncIOMotorDatabase[dict[str, Any]]
    redis: Redis
    push: FakePush

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

    async def voice_note(self, author: User) -> str:
        """The id of a note that is in no answer yet."""
        command = AddVoiceNote(client_id=new_id(), audio=recording("voice.ogg"))
        return (await voice_notes.add_voice_note(command, author, self.ports)).id

    async def speak(self, author: User, post: PostView) -> ResponseView:
        note_id = await self.voice_note(author)
        command = Respond(client_id=new_id(), post_id=post.id, type="voice", voice_note_id=note_id)
        return (await responses.respond(command, author, self.ports)).response

    async def tap(self, giver: User, post: PostView) -> str:
        """What the support is called in jobs and in the ledger."""
        await support.give_support(GiveSupport(post_id=post.id, kind="been_there"), giver, self.ports)
        return support.support_ref(post.id, giver.id, "been_there")

    async def run(self, name: str, args: dict[str, str]) -> None:
        """The job as a worker would call it, until all it announced is told."""
        await KINDS[name].function(self.ports, **args)
        await self.ports.announcer.drain()

    async def work(self) -> int:
        """Runs every job that is due by the clock, and ends it; returns how many there were."""
        await self.ports.announcer.drain()
        rows = await self.ports.jobs.find(JobFilter(states=("queued",)), limit=1_000)
        due = sorted((row for row in rows if row.run_at <= self.clock()), key=lambda row: row.run_at)
        for row in due:
            await self.run(row.name, row.args)
            await self.ports.jobs.settle([self._done(row)])
        return len(due)

    def _done(self, row: JobRow) -> Outcome:
        job = Job(row.name, row.args, row.key, row.lane, run=row.run)
        return Outcome(job, "done", 1, "stage", self.clock(), self.clock())

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


@asynccontextmanager
async def open_stage(postgres_url: str, mongodb_uri: str, redis_url: str) -> AsyncIterator[Stage]:
    clock = FakeClock(utc_now())
    settings = load_settings(
        None,
        server_env="test",
        postgres_url=postgres_url,
        mongodb_uri=mongodb_uri,
        mongodb_database=urlsplit(mongodb_uri).path.strip("/"),
        redis_url=redis_url,
        jwt_secret=SECRET,
        encryption_key=SECRET,
    )
    async with open_stores(settings, now=clock) as stores, Redis.from_url(redis_url) as redis:
        rows = await asyncpg.connect(postgres_url)
        client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(mongodb_uri)
        documents = client.get_default_database()
        push = FakePush()
        ports = replace(stores.ports, push=push)
        yield Stage(ports, clock, Makers(stores.ports), rows, documents, redis, push)
        await rows.close()
        client.close()
