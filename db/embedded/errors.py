"""What can go wrong with the embedded stores, said once and with what to do."""

from pathlib import Path

USE_OWN_STORES = (
    "Or set POSTGRES_URL, MONGODB_URI and REDIS_URL to servers of your own; then nothing is embedded."
)
TAIL_LINES = 20


class EmbeddedStoresError(RuntimeError):
    """The embedded stores cannot be used; the message says why and what to do."""


def with_log_tail(problem: str, log: Path) -> EmbeddedStoresError:
    """The error for `problem`, ending with the last lines the store wrote to `log`."""
    return EmbeddedStoresError(f"{problem}\nLast lines of {log}:\n{tail(log)}\n{USE_OWN_STORES}")


def tail(log: Path) -> str:
    """The last lines of a log file, indented for reading inside an error."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    except OSError:
        lines = []
    return "\n".join(f"  {line}" for line in lines) or "  (nothing was written)"
