"""A client of the REST API for tests: asks, and gives status, headers and body at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from api.app import build_app
from domain import posts, responses
from domain.accounts import User
from domain.clock import utc_now
from domain.ids import new_id
from domain.ports import Ports
from domain.posts import CreatePost
from domain.responses import Respond


class MovableClock:
    """The real time plus what a test adds to it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead

    def move(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


class Answer(NamedTuple):
    status: int
    headers: Any
    body: Any
    text: str

    @property
    def error(self) -> tuple[int, str, str | None]:
        """Status, code and field of a refusal."""
        return self.status, self.body["error"]["code"], self.body["error"].get("field")


@dataclass
class Person:
    """Somebody with an account, who asks with their access token."""

    rest: "Rest"
    id: str
    handle: str
    access: str
    refresh: str
    recovery_code: str

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        return await self.rest.ask(method, path, body, token=self.access, **more)

    async def get(self, path: str, **query: Any) -> Answer:
        return await self.ask("GET", path, params={name: str(value) for name, value in query.items()})

    @property
    def user(self) -> User:
        return User(id=self.id, session_id="")

    async def post(self, content: str = "day 30 and shaky", **fields: Any) -> str:
        """Writes a post as the socket would; gives its id."""
        command = CreatePost(client_id=new_id(), content=content, **({"type": "question"} | fields))
        return (await posts.create_post(command, self.user, self.rest.ports)).post.id

    async def respond(self, post_id: str, content: str = "you are not alone") -> str:
        command = Respond(client_id=new_id(), post_id=post_id, content=content)
        return (await responses.respond(command, self.user, self.rest.ports)).response.id


class Rest:
    def __init__(self, client: TestClient[web.Request, web.Application], ports: Ports) -> None:
        self.client = client
        self.ports = ports

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        raw: Any = None,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> Answer:
        """`body` is sent as JSON, `raw` as it is; both as application/json unless `headers` say otherwise."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        data = raw if raw is not None else msgspec.json.encode(body) if body is not None else None
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        async with self.client.request(method, path, data=data, headers=sent, **more) as response:
            content = await response.read()
        json = response.content_type == "application/json" and content
        return Answer(
            response.status,
            response.headers,
            msgspec.json.decode(content) if json else None,
            content.decode(errors="replace"),
        )

    async def register(self, **fields: Any) -> Person:
        answer = await self.ask("POST", "/v1/auth/register", fields)
        assert answer.status == 201, answer.text
        return self.person(answer)

    async def register_email(self, email: str, password: str, **fields: Any) -> Person:
        body = {"email": email, "password": password, **fields}
        answer = await self.ask("POST", "/v1/auth/register/email", body)
        assert answer.status == 201, answer.text
        return self.person(answer)

    def person(self, answer: Answer) -> Person:
        account, tokens = answer.body["account"], answer.body["tokens"]
        return Person(
            self,
            account["id"],
            account["handle"],
            tokens["access_token"],
            tokens["refresh_token"],
            answer.body.get("recovery_code", ""),
        )


@asynccontextmanager
async def opened(ports: Ports) -> AsyncIterator[Rest]:
    """The application of `ports` on a free loopback port, served as `run_server.py` does."""
    server = TestServer(build_app(ports))
    await server.start_server(access_log=None, auto_decompress=False)
    async with TestClient(server) as client:
        yield Rest(client, ports)


def with_settings(ports: Ports, **changes: Any) -> Ports:
    return replace(ports, settings=ports.settings.model_copy(update=changes))
