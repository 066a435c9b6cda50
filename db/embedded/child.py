"""Child processes that cannot outlive the process that started them."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from db.embedded.identity import Identity, same_user

PR_SET_PDEATHSIG = 1
LOG_BYTES = 5_000_000
KEPT_VARIABLES = ("PATH", "HOME", "LD_LIBRARY_PATH", "PYTHONPATH", "TMPDIR", "VIRTUAL_ENV")
_libc = ctypes.CDLL(None, use_errno=True)


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    folder: Path,
    identity: Identity | None = None,
    death_signal: int = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start `command` in `folder` as `identity`, its output appended to `log`.

    The kernel sends it `death_signal` when the thread that called this ends, so call it from the main
    thread. It leads a session of its own: Ctrl-C in our terminal reaches us and not it.
    """
    keep_short(log)
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment(),
            start_new_session=True,
            preexec_fn=before_exec(identity or same_user(), death_signal),
        )


def environment() -> Mapping[str, str]:
    """What a store may inherit: not the PG* variables of a developer, no settings of the product."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return kept | {"LC_ALL": "C.UTF-8", "TZ": "UTC"}


def keep_short(log: Path) -> None:
    """Put a log that has grown past its bound aside; one old file is kept."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".old.log"))


def before_exec(identity: Identity, death_signal: int) -> Callable[[], None]:
    """What a child does between fork and exec: become `identity` and tie its life to ours."""
    parent = os.getpid()

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        identity.enter()
        # After the change of identity, which would clear it.
        _libc.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the kernel knew that we care
            os._exit(1)

    return prepare
