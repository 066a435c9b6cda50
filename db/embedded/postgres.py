"""The embedded PostgreSQL."""

import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from db.embedded import child, wheels
from db.embedded.errors import with_log_tail
from db.embedded.folder import Folder, State, write_private
from db.embedded.identity import Identity, choose_identity
from db.embedded.port import LOOPBACK

NAME = "anonymous_support"
INITDB_SECONDS = 60
READY_LINE = 7  # of postmaster.pid, counted from 0: where the server writes its status


@dataclass(frozen=True)
class Postgres:
    """PostgreSQL on a loopback port, SCRAM passwords, no Unix socket (so no limit on path lengths)."""

    folder: Folder
    port: int
    password: str
    durable: bool
    identity: Identity
    name: str = "postgresql"
    # Fast shutdown: sessions are cut, the data is written out.
    stop_signal: int = signal.SIGINT
    death_signal: int = signal.SIGINT

    @classmethod
    def create(cls, folder: Folder, state: State, *, durable: bool) -> "Postgres":
        """The store of `folder`, under the best identity that works here."""
        identity = choose_identity(wheels.postgres_binary("postgres"))
        return cls(folder, state.ports[cls.name], state.password(cls.name), durable, identity)

    @property
    def url(self) -> str:
        """What POSTGRES_URL would say."""
        return f"postgresql://{NAME}:{self.password}@{LOOPBACK}:{self.port}/{NAME}"

    @property
    def data(self) -> Path:
        """The cluster's folder."""
        return self.folder.root / self.name

    def prepare(self) -> None:
        """Make the cluster with its database once; whoever dies half-way leaves nothing behind."""
        if not self.data.exists():
            draft = self.folder.root / "postgresql.new"
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(mode=0o700)
            self.identity.own(draft)
            self._initdb(draft)
            draft.rename(self.data)
        self.identity.own(self.data)

    def command(self) -> list[str]:
        """How to run the server."""
        settings = {
            "listen_addresses": LOOPBACK,
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 300,
            "timezone": "UTC",
            "log_timezone": "UTC",
            # No value of a row and no statement in the log: what people wrote stays out of it.
            "log_error_verbosity": "terse",
            "log_min_error_statement": "panic",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(wheels.postgres_binary("postgres")), "-D", str(self.data), *options]

    def is_ready(self, pid: int) -> bool:
        """Whether the server `pid` accepts connections: it says so in its own lock file."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > READY_LINE and lines[0] == str(pid) and lines[READY_LINE].strip() == "ready"

    def nudge(self) -> None:
        """Nothing: the stop signal is enough."""

    def _initdb(self, data: Path) -> None:
        password_file = self.folder.root / "initdb.password"
        write_private(password_file, self.password)
        self.identity.own(password_file)
        arguments = f"--username={NAME} --auth=scram-sha-256 --encoding=UTF8"
        locale = "--locale-provider=builtin --locale=C.UTF-8"
        speed = "" if self.durable else "--no-sync"
        try:
            self._run(
                "initdb", "-D", data, f"--pwfile={password_file}", *f"{arguments} {locale} {speed}".split()
            )
            self._run("postgres", "--single", "-D", data, "postgres", text=f"create database {NAME}\n")
        finally:
            password_file.unlink()

    def _run(self, program: str, *arguments: str | Path, text: str = "") -> None:
        log = self.folder.log(self.name)
        with log.open("ab") as output:
            done = subprocess.run(  # noqa: S603
                [wheels.postgres_binary(program), *arguments],
                input=text.encode(),
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=child.environment(),
                preexec_fn=child.before_exec(self.identity, signal.SIGKILL),
                timeout=INITDB_SECONDS,
                check=False,
            )
        if done.returncode:
            raise with_log_tail(
                f"PostgreSQL's {program}, run as {self.identity.name}, could not make a cluster in "
                f"{self.folder.root}: is there space, and can {self.identity.name} reach that folder?",
                log,
            )
