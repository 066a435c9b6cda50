"""The embedded Valkey."""

import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from db.embedded import wheels
from db.embedded.folder import Folder, State, write_private
from db.embedded.identity import Identity, same_user
from db.embedded.port import LOOPBACK

DATABASES = 1024  # tests take one each
MEMORY = "512mb"
ANSWER_SECONDS = 2


@dataclass(frozen=True)
class Valkey:
    """Valkey on a loopback port, with a password and an append-only file."""

    folder: Folder
    port: int
    password: str
    durable: bool
    name: str = "valkey"
    stop_signal: int = signal.SIGTERM
    # Every answered write is in the append-only file already.
    death_signal: int = signal.SIGKILL

    @classmethod
    def create(cls, folder: Folder, state: State, *, durable: bool) -> "Valkey":
        """The store of `folder`."""
        return cls(folder, state.ports[cls.name], state.password(cls.name), durable)

    @property
    def identity(self) -> Identity:
        """Whoever we are; it does not mind root."""
        return same_user()

    @property
    def url(self) -> str:
        """What REDIS_URL would say."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    @property
    def data(self) -> Path:
        """Where the append-only file lies."""
        return self.folder.root / self.name

    def prepare(self) -> None:
        """Write the configuration: a file, because a command line would show the password to everybody."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        settings = {
            "bind": LOOPBACK,
            "port": self.port,
            "requirepass": self.password,
            "dir": f'"{self.data}"',
            "databases": DATABASES,
            "appendonly": "yes",
            "appendfsync": "everysec" if self.durable else "no",
            "save": '""',
            "maxmemory": MEMORY,
            # Its command line names its folder: that is how its successor knows it.
            "set-proc-title": "no",
            "maxmemory-policy": "noeviction",
        }
        lines = "".join(f"{name} {value}\n" for name, value in settings.items())
        write_private(self._configuration, lines)

    def command(self) -> list[str]:
        """How to run the server."""
        return [str(wheels.valkey_server()), str(self._configuration)]

    def is_ready(self, pid: int) -> bool:
        """Whether the server answers: while it reads its file back it says LOADING."""
        try:
            with socket.create_connection((LOOPBACK, self.port), ANSWER_SECONDS) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\nQUIT\r\n".encode())
                return b"+PONG" in read_to_end(connection)
        except OSError:
            return False

    def nudge(self) -> None:
        """Nothing: the stop signal is enough."""

    @property
    def _configuration(self) -> Path:
        return self.data / "valkey.conf"


def read_to_end(connection: socket.socket) -> bytes:
    """Everything the peer sends until it closes."""
    answer = b""
    while part := connection.recv(4096):
        answer += part
    return answer
