"""As whom PostgreSQL runs, since it refuses to run as root.

Root's first choice is a user namespace in which root is called 65534: the server believes that it is an
ordinary user, its files stay root's, and nothing on the machine changes. Where namespaces are forbidden
(many containers) it runs as the user nobody, who then owns the data folder.
"""

import ctypes
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from db.embedded.errors import USE_OWN_STORES, EmbeddedStoresError

NOBODY = 65534
CLONE_NEWUSER = 0x10000000
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Identity:
    """A way to run a child: `enter` runs in the child before exec; uid and gid own its files on disk."""

    name: str
    uid: int
    gid: int
    enter: Callable[[], None]

    def own(self, path: Path) -> None:
        """Make this identity the owner of `path` and all below it; cheap when it already is."""
        if path.stat().st_uid == self.uid:
            return
        for folder, _, files in os.walk(path):
            for name in files:
                os.chown(Path(folder, name), self.uid, self.gid)
            # A folder after its files: a walk that was interrupted starts again next time.
            os.chown(folder, self.uid, self.gid)


def choose_identity(program: Path) -> Identity:
    """The first identity under which `program` can be executed. Raises EmbeddedStoresError."""
    for identity in candidates():
        if can_run(program, identity):
            return identity
    raise EmbeddedStoresError(
        f"PostgreSQL does not run as root, user namespaces are forbidden here, and the user nobody cannot "
        f"reach {program}. Run as an ordinary user, or install the environment where everybody can read it. "
        f"{USE_OWN_STORES}"
    )


def candidates() -> Sequence[Identity]:
    """The identities to try, best first."""
    if os.geteuid() != 0:
        return (same_user(),)
    return (namespace(), nobody())


def same_user() -> Identity:
    """The caller, unchanged."""
    return Identity("same user", os.geteuid(), os.getegid(), lambda: None)


def namespace() -> Identity:
    """The caller under the name of nobody, inside a user namespace."""
    uid, gid = os.geteuid(), os.getegid()

    def enter() -> None:
        if _libc.unshare(CLONE_NEWUSER):
            raise OSError(ctypes.get_errno(), "user namespaces are forbidden")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1")
        Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1")

    return Identity("namespace", uid, gid, enter)


def nobody() -> Identity:
    """The system user nobody."""

    def enter() -> None:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)

    return Identity("nobody", NOBODY, NOBODY, enter)


def can_run(program: Path, identity: Identity) -> bool:
    """Whether `program` starts under `identity` on this machine."""
    try:
        probe = subprocess.run(  # noqa: S603
            [program, "--version"],
            preexec_fn=identity.enter,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return probe.returncode == 0
