"""Code written for python-socketio's own server, with python-socketio's own client."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import socketio
from engine_harness import DEADLINE_SECONDS, serving, until, within

from realtime.engine import Server


class Client(socketio.AsyncClient):
    """Keeps what it receives."""

    def __init__(self) -> None:
        super().__init__(reconnection=False)
        self.got: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue()
        for namespace in ("/", "/other"):
            self.on("*", self._keep, namespace=namespace)

    async def _keep(self, *values: Any) -> None:
        await self.got.put(values)

    async def next(self) -> tuple[Any, ...]:
        return await within(self.got.get())


@asynccontextmanager
async def connected(url: str, **options: Any) -> AsyncIterator[Client]:
    client = Client()
    usual = {"transports": ["websocket"], "namespaces": ["/"], "wait_timeout": DEADLINE_SECONDS}
    await client.connect(url, **{**usual, **options})
    try:
        yield client
    finally:
        await client.disconnect()


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]])
async def test_handlers_of_every_kind_answer(transports: list[str]) -> None:
    server = Server()

    @server.event
    async def several(sid: str, one: int, two: int) -> tuple[int, int]:
        return two, one

    @server.on("plain")
    def plain(sid: str, data: Any) -> Any:
        return {"got": data}

    @server.on("silent")
    async def silent(sid: str) -> None:
        return None

    @server.on("*")
    async def anything(event: str, sid: str, *values: Any) -> list[Any]:
        return [event, *values]

    async with serving(server) as url, connected(url, transports=transports) as client:
        assert await client.call("several", (1, 2)) == (2, 1)
        assert await client.call("plain", {"b": b"\x00\xff"}) == {"got": {"b": b"\x00\xff"}}
        assert await client.call("silent") is None
        assert await client.call("unknown", "x") == ["unknown", "x"]


async def test_async_handlers_run_beside_each_other_when_asked_for() -> None:
    server = Server(async_handlers=True)
    release = asyncio.Event()

    @server.on("wait")
    async def wait(sid: str) -> str:
        await release.wait()
        return "waited"

    @server.on("go")
    async def go(sid: str) -> str:
        release.set()
        return "gone"

    async with serving(server) as url, connected(url) as client:
        waiting = asyncio.create_task(client.call("wait"))
        assert await client.call("go") == "gone"
        assert await within(waiting) == "waited"


async def test_connect_and_disconnect_handlers_get_what_they_know() -> None:
    server = Server()
    seen: list[Any] = []

    @server.event
    async def connect(sid: str, environ: dict[str, Any], auth: Any) -> None:
        seen.append((environ["HTTP_X_THING"], auth))
        assert server.get_environ(sid) is environ

    @server.event
    async def disconnect(sid: str, reason: str) -> None:
        seen.append(reason)

    async with serving(server) as url:
        async with connected(url, headers={"X-Thing": "yes"}, auth={"token": 1}):
            pass
        await until(lambda: len(seen) == 2)
        assert seen == [("yes", {"token": 1}), "transport close"]
        await until(lambda: not server.environ)


async def test_older_handlers_without_auth_and_reason_still_work() -> None:
    server = Server()
    seen: list[str] = []
    server.on("connect", lambda sid, environ: seen.append("connect"))
    server.on("disconnect", lambda sid: seen.append("disconnect"))
    async with serving(server) as url:
        async with connected(url):
            pass
        await until(lambda: seen == ["connect", "disconnect"])


@pytest.mark.parametrize(
    "refusal",
    [
        lambda: False,
        lambda: _raise(ConnectionRefusedError),
        lambda: _raise(socketio.exceptions.ConnectionRefusedError("no entry")),
    ],
)
async def test_a_connect_handler_refuses(refusal: Any) -> None:
    server = Server()
    server.on("connect", lambda sid, environ, auth: refusal())
    async with serving(server) as url:
        client = Client()
        with pytest.raises(socketio.exceptions.ConnectionError):
            await client.connect(url, transports=["websocket"], wait_timeout=DEADLINE_SECONDS)
        await until(lambda: server.manager.rooms == {})


def _raise(error: Any) -> None:
    raise error


async def test_rooms_and_what_they_are_told() -> None:
    server = Server()
    async with serving(server) as url, connected(url) as one, connected(url) as two:
        first, second = one.get_sid(), two.get_sid()
        await server.enter_room(first, "a")
        await server.enter_room(first, "b")
        await server.enter_room(second, "b")
        assert server.rooms(first) == [first, "a", "b"]
        await server.emit("e", "a only", room="a")
        await server.emit("e", "both", to=["a", "b"])
        await server.emit("e", ("second", 2), to="b", skip_sid=first)
        await server.emit("e", "me", to=first)
        await server.emit("e", {"to": "all"})
        assert [await one.next() for _ in range(4)] == [
            ("e", "a only"),
            ("e", "both"),
            ("e", "me"),
            ("e", {"to": "all"}),
        ]
        assert [await two.next() for _ in range(3)] == [
            ("e", "both"),
            ("e", "second", 2),
            ("e", {"to": "all"}),
        ]
        await server.leave_room(first, "a")
        await server.close_room("b")
        assert server.rooms(first) == [first]
        assert list(server.manager.get_participants("/", None)) == [
            (sid, server.manager.eio_sid_from_sid(sid, "/")) for sid in (first, second)
        ]
        with pytest.raises(ValueError, match="cannot enter a sid room"):
            await server.enter_room(first, second)
        with pytest.raises(ValueError, match="not connected"):
            await server.enter_room("nobody", "a")
        with pytest.raises(ValueError, match="cannot close a sid room"):
            await server.close_room(first)


async def test_an_emit_with_a_callback_and_a_call() -> None:
    server = Server()
    answers: list[Any] = []

    async def answered(*values: Any) -> None:
        answers.append(values)

    async with serving(server) as url, connected(url) as client:
        client.on("question", lambda number: (number, number + 1))
        sid = client.get_sid()
        await server.emit("question", 1, to=sid, callback=answered)
        await until(lambda: answers == [(1, 2)])
        assert await server.call("question", 5, to=sid) == (5, 6)
        with pytest.raises(socketio.exceptions.TimeoutError):
            await server.call("nobody answers", to="nobody", timeout=0.01)
    assert server.manager.callbacks.get(sid) is None


async def test_sessions_belong_to_a_client_and_a_namespace() -> None:
    server = Server(namespaces=["/", "/other"])
    async with serving(server) as url, connected(url, namespaces=["/", "/other"]) as client:
        sid, other = client.get_sid("/"), client.get_sid("/other")
        await server.save_session(sid, {"name": "main"})
        async with server.session(other, namespace="/other") as session:
            session["name"] = "other"
        assert await server.get_session(sid) == {"name": "main"}
        assert await server.get_session(other, namespace="/other") == {"name": "other"}
        assert server.transport(sid) == "websocket"


async def test_the_server_disconnects_a_client() -> None:
    server = Server()
    reasons: list[str] = []
    server.on("disconnect", lambda sid, reason: reasons.append(reason))
    async with serving(server) as url, connected(url) as client:
        await server.disconnect(client.get_sid())
        assert reasons == ["server disconnect"]
        await until(lambda: not client.connected)
        assert server.manager.rooms == {}


async def test_a_class_based_namespace_works() -> None:
    class Other(socketio.AsyncNamespace):
        async def on_connect(self, sid: str, environ: dict[str, Any]) -> None:
            await self.emit("hello", "you", to=sid)

        async def on_question(self, sid: str, data: Any) -> Any:
            return [data, self.rooms(sid) == [sid]]

    server = Server()
    server.register_namespace(Other("/other"))
    async with serving(server) as url, connected(url, namespaces=["/other"]) as client:
        assert await client.next() == ("hello", "you")
        assert await client.call("question", 1, namespace="/other") == [1, True]


async def test_reserved_handlers_cannot_be_reached_by_an_event() -> None:
    server = Server()
    seen: list[str] = []
    server.on("connect", lambda sid, environ, auth=None: seen.append("connect"))
    server.on("disconnect", lambda sid, reason=None: seen.append(f"disconnect {reason}"))
    async with serving(server) as url, connected(url) as client:
        await client._send_packet(client.packet_class(2, namespace="/", data=["disconnect", "forged"]))
        await until(lambda: len(seen) == 2)
        assert seen == ["connect", "disconnect parse error"]


async def test_send_sleep_and_background_tasks_are_there() -> None:
    server = Server()
    async with serving(server) as url, connected(url) as client:
        await server.send("text", to=client.get_sid())
        assert await client.next() == ("message", "text")
        assert await server.start_background_task(server.sleep, 0) is None


@pytest.mark.parametrize("options", [{"serializer": "msgpack"}, {"client_manager": socketio.AsyncManager()}])
def test_what_the_engine_replaces_cannot_be_replaced(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="its own"):
        Server(**options)
