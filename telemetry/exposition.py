"""What Prometheus reads: the metrics of this process, or of all the processes that serve a port together.

Whichever of them is asked reads the others over an abstract Unix socket and marks each sample with its
`process`. Nothing is added up: a counter that begins anew with its process is understood by `rate`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from prometheus_client import REGISTRY, generate_latest

TEXT_BYTES_MAX = 4 * 1024 * 1024
ANSWER_SECONDS = 1.0
CREDENTIALS = struct.Struct("iII")  # process, user, group
UP = "process_up"
UP_HELP = "0 for a process that did not answer"


class Exposition:
    """Alone, or the one at `index` of those at `addresses`."""

    def __init__(self, addresses: Sequence[str] = (), index: int = 0) -> None:
        self._addresses = addresses
        self._index = index

    async def text(self) -> bytes:
        if len(self._addresses) < 2:
            return generate_latest()
        return together(await self._texts()).encode()

    async def values(self, *names: str) -> list[dict[str, float | None]]:
        """Gauges without labels by name, of each process that answers; None for one that it has not (yet)."""
        if len(self._addresses) < 2:
            return [{name: REGISTRY.get_sample_value(name) for name in names}]
        texts = [text for text in (await self._texts()).values() if text is not None]
        return [{name: value_of(name, text) for name in names} for text in texts]

    async def _texts(self) -> dict[int, str | None]:
        """By the number of the process; None for one that does not answer."""
        asked = [self._text_of(index) for index in range(len(self._addresses))]
        return dict(enumerate(await asyncio.gather(*asked)))

    async def _text_of(self, index: int) -> str | None:
        if index == self._index:
            return generate_latest().decode()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await read(self._addresses[index])
        except (OSError, TimeoutError):
            return None


@asynccontextmanager
async def exposed(addresses: Sequence[str] = (), index: int = 0) -> AsyncIterator[Exposition]:
    """Lets the siblings, if there are any, read this process while the block runs."""
    if len(addresses) < 2:
        yield Exposition()
        return
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.setblocking(False)
    listening.bind(addresses[index])
    server = await asyncio.start_unix_server(tell, sock=listening)
    try:
        yield Exposition(addresses, index)
    finally:
        server.close()


async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Anybody on this machine can reach an abstract address; only our own user is answered."""
    if user_of(writer.get_extra_info("socket")) == os.geteuid():
        writer.write(generate_latest())
    try:
        await writer.drain()
    except OSError:
        return
    finally:
        writer.close()


def user_of(connection: socket.socket) -> int:
    given = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return int(CREDENTIALS.unpack(given)[1])


async def read(address: str) -> str:
    """Raises OSError when nobody answers there."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    reader, writer = await asyncio.open_unix_connection(sock=connection, limit=TEXT_BYTES_MAX)
    try:
        return (await reader.read()).decode()
    finally:
        writer.close()


def together(texts: Mapping[int, str | None]) -> str:
    """One text: what each metric is said once, then its samples of every process."""
    families: dict[str, list[str]] = {}
    for index, text in texts.items():
        for family in (text or "").split("# HELP ")[1:]:
            told, kind, *samples = family.splitlines()
            lines = families.setdefault(told.split(" ", 1)[0], [f"# HELP {told}", kind])
            lines += [marked(sample, index) for sample in samples]
    up = [marked(f"{UP} {int(text is not None)}", index) for index, text in texts.items()]
    families[UP] = [f"# HELP {UP} {UP_HELP}", f"# TYPE {UP} gauge", *up]
    return "".join(f"{line}\n" for lines in families.values() for line in lines)


def marked(sample: str, index: int) -> str:
    """`name{a="b"} 1` or `name 1`, with the process; a name holds neither braces nor blanks."""
    name, brace, rest = sample.partition("{")
    if brace and " " not in name:
        return f'{name}{{process="{index}",{rest}'
    name, _, value = sample.partition(" ")
    return f'{name}{{process="{index}"}} {value}'


def value_of(name: str, text: str) -> float | None:
    lines = (line for line in text.splitlines() if line.startswith(f"{name} "))
    return next((float(line.split()[1]) for line in lines), None)
