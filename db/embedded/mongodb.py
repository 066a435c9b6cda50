"""The embedded MongoDB wire-protocol server, for development and tests. Never imported: it is GPL."""

import contextlib
import signal
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from db.embedded import wheels
from db.embedded.folder import Folder, State
from db.embedded.identity import Identity, same_user
from db.embedded.port import LOOPBACK

NAME = "anonymous_support"
ANSWER_SECONDS = 2
OP_MSG = 2013
# {ping: 1, $db: "admin"} in BSON.
PING = b"\x10ping\x00\x01\x00\x00\x00\x02$db\x00\x06\x00\x00\x00admin\x00"


@dataclass(frozen=True)
class MongoDB:
    """The wire server on a loopback port. It has no password: see docs/embedded.md."""

    folder: Folder
    port: int
    durable: bool
    name: str = "mongodb"
    stop_signal: int = signal.SIGTERM
    # Every answered write is in the engine's log already.
    death_signal: int = signal.SIGKILL

    @classmethod
    def create(cls, folder: Folder, state: State, *, durable: bool) -> "MongoDB":
        """The store of `folder`."""
        return cls(folder, state.ports[cls.name], durable)

    @property
    def identity(self) -> Identity:
        """Whoever we are; it does not mind root."""
        return same_user()

    @property
    def url(self) -> str:
        """What MONGODB_URI would say. The server closes connections idle for 300 s: we do it before."""
        return f"mongodb://{LOOPBACK}:{self.port}/{NAME}?directConnection=true&maxIdleTimeMS=240000"

    @property
    def data(self) -> Path:
        """The storage engine's folder."""
        return self.folder.root / self.name

    def prepare(self) -> None:
        """Name an empty configuration, or the server would look for one in the home folder."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        self._configuration.touch()

    def command(self) -> list[str]:
        """How to run the server."""
        address = (
            f"--config {self._configuration.name} --host {LOOPBACK} --port {self.port} --log-level WARNING"
        )
        storage = ["--storage-path", str(self.data)]
        bounds = "--oplog-max-entries 2000 --cache-size 256M"
        durability = "--sync-on-commit" if self.durable else ""
        return [*wheels.mongodb_server(), *address.split(), *storage, *bounds.split(), *durability.split()]

    def is_ready(self, pid: int) -> bool:
        """Whether the server answers a ping."""
        body = b"\x00" * 4 + b"\x00" + struct.pack("<i", len(PING) + 5) + PING + b"\x00"
        header = struct.pack("<iiii", 16 + len(body), 1, 0, OP_MSG)
        try:
            with socket.create_connection((LOOPBACK, self.port), ANSWER_SECONDS) as connection:
                connection.sendall(header + body)
                return b"ok\x00" in connection.recv(4096)
        except OSError:
            return False

    def nudge(self) -> None:
        """Wake its accept loop, which otherwise sleeps on for two seconds after the signal."""
        with contextlib.suppress(OSError):
            socket.create_connection((LOOPBACK, self.port), ANSWER_SECONDS).close()

    @property
    def _configuration(self) -> Path:
        return self.folder.root / "secantusd.toml"
