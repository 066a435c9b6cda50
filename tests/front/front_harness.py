"""The echo service as real processes, and a client that decides which TCP connection a request takes."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson
import psutil

DEADLINE_SECONDS = 60.0
ROOT = Path(__file__).parents[2]
ENDPOINT = "/socket.io/?EIO=4&transport="

_T = TypeVar("_T")


async def within(awaitable: Awaitable[_T]) -> _T:
    """Wait, but not for ever."""
    return await asyncio.wait_for(awaitable, DEADLINE_SECONDS)


def heed_hangups() -> None:
    """Also in tests that run under `nohup`, which the service respects."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Service:
    """A parent and its workers. `pids`: index → process, as far as they have said that they are ready."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.pids: dict[int, int] = {}
        self.port = 0

    @classmethod
    async def start(cls, *options: str) -> "Service":
        command = [sys.executable, str(Path(__file__).with_name("echo_service.py")), *options]
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        return cls(
            await asyncio.create_subprocess_exec(
                *command,
                env=environ,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                preexec_fn=heed_hangups,
            )
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def ready(self, workers: int = 1) -> None:
        """Until that many more workers are ready."""
        assert self.process.stdout is not None
        for _ in range(workers):
            line = await within(self.process.stdout.readline())
            assert line, "the service ended"
            _, index, pid, port = line.split()
            self.pids[int(index)] = int(pid)
            self.port = int(port)

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    async def ended(self) -> int:
        """Its exit code, when it has one."""
        await within(self.process.communicate())
        assert self.process.returncode is not None
        return self.process.returncode

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            await self.ended()


StartService = Callable[..., Awaitable[Service]]


async def all_end(processes: list[psutil.Process]) -> bool:
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, DEADLINE_SECONDS)
    return not alive


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """One TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, service: Service) -> "Connection":
        return cls(*await within(asyncio.open_connection("127.0.0.1", service.port)))

    async def __aenter__(self) -> "Connection":
        return self

    async def __aexit__(self, *error: object) -> None:
        self.writer.close()

    async def ask(self, request: bytes) -> Answer:
        self.writer.write(request)
        return await self.answer()

    async def answer(self) -> Answer:
        head = (await within(self.reader.readuntil(b"\r\n\r\n"))).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await within(self.reader.readexactly(int(headers.get("content-length", 0))))
        return Answer(int(first.split()[1]), headers, body)

    async def closed(self) -> bool:
        """The peer has closed it, and sent nothing more."""
        return await within(self.reader.read()) == b""


def get(path: str, **headers: str) -> bytes:
    return _head("GET", path, headers)


def post(path: str, body: bytes, **headers: str) -> bytes:
    return _head("POST", path, {"Content-Length": str(len(body)), **headers}) + body


def poll(session: str) -> bytes:
    return get(f"{ENDPOINT}polling&sid={session}")


def send(session: str, packets: str) -> bytes:
    return post(f"{ENDPOINT}polling&sid={session}", packets.encode())


def upgrade(session: str) -> bytes:
    return get(
        f"{ENDPOINT}websocket&sid={session}",
        Connection="keep-alive, Upgrade",
        Upgrade="websocket",
        **{"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version": "13"},
    )


def _head(method: str, path: str, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: test", *(f"{name}: {headers[name]}" for name in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def session_on(service: Service, index: int) -> str:
    """A new session that belongs to worker `index`."""
    while True:
        async with await Connection.open(service) as connection:
            session = await handshake(connection)
        if owner(session) == index:
            return session


async def connection_to(service: Service, index: int) -> Connection:
    """A connection that worker `index` has already served a request on."""
    while True:
        connection = await Connection.open(service)
        answer = await connection.ask(get("/pid"))
        if int(answer.body) == service.pids[index]:
            return connection
        connection.writer.close()


async def handshake(connection: Connection) -> str:
    answer = await connection.ask(get(f"{ENDPOINT}polling"))
    opened: dict[str, Any] = orjson.loads(answer.body[1:])
    return str(opened["sid"])


def owner(session: str) -> int:
    return int(session[:2], 16)
