"""One folder of embedded data: its paths, and what is remembered in it between two starts."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from db.embedded.errors import USE_OWN_STORES, EmbeddedStoresError


@dataclass(frozen=True, repr=False)
class StoreUrls:
    """How to reach the three stores; what POSTGRES_URL, MONGODB_URI and REDIS_URL would say.

    Without a repr: they hold passwords.
    """

    postgres_url: str
    mongodb_uri: str
    redis_url: str


@dataclass
class State:
    """What survives a stop: passwords and ports. The process ids tell the next start whom to outlive.

    `urls` is empty unless the stores run and may be joined.
    """

    passwords: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    supervisor: int = 0

    def password(self, name: str) -> str:
        """The password of a store, made on first use."""
        return self.passwords.setdefault(name, secrets.token_urlsafe(24))

    def store_urls(self) -> StoreUrls:
        """The URLs of the running stores."""
        return StoreUrls(self.urls["postgresql"], self.urls["mongodb"], self.urls["valkey"])


@dataclass(frozen=True)
class Folder:
    """`stores/` inside the data folder. Everything in it is ours, so that a reset is one removal."""

    root: Path

    @classmethod
    def create(cls, data_dir: Path) -> "Folder":
        """The folder inside `data_dir`, made when missing. Raises EmbeddedStoresError."""
        folder = cls(data_dir.resolve() / "stores")
        try:
            folder.logs.mkdir(parents=True, exist_ok=True)
            # Others may pass (PostgreSQL runs as nobody on some machines) and may not look around.
            folder.root.chmod(0o711)
            folder.logs.chmod(0o700)
        except OSError as error:
            raise EmbeddedStoresError(
                f"The data folder {data_dir} (DATA_DIR) cannot be used: {error.strerror}. {USE_OWN_STORES}"
            ) from None
        return folder

    @property
    def logs(self) -> Path:
        """Where each store writes its log."""
        return self.root / "logs"

    @property
    def start_lock(self) -> Path:
        """Held while somebody joins or leaves: one at a time."""
        return self.root / "start.lock"

    @property
    def users_lock(self) -> Path:
        """Shared by every process that uses the stores."""
        return self.root / "users.lock"

    @property
    def owner_lock(self) -> Path:
        """Held by the supervisor as long as it lives."""
        return self.root / "owner.lock"

    def log(self, name: str) -> Path:
        """The log file of one store."""
        return self.logs / f"{name}.log"

    def load(self) -> State:
        """The remembered state; empty before the first start. Raises EmbeddedStoresError for another's."""
        try:
            return State(**json.loads(self._state.read_text()))
        except FileNotFoundError:
            return State()
        except (TypeError, ValueError):
            raise EmbeddedStoresError(
                f"{self._state} was damaged or written by another version. Use that version, put the file "
                f"back, or delete all data with `python -m db.embedded reset`. {USE_OWN_STORES}"
            ) from None

    def save(self, state: State) -> None:
        """Replace the remembered state at once and for good; it holds passwords, so only we may read it."""
        draft = self._state.with_suffix(".new")
        write_private(draft, json.dumps(asdict(state), indent=2))
        draft.replace(self._state)

    @property
    def _state(self) -> Path:
        return self.root / "state.json"


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, and see it on disk."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
