"""Launchers as processes of their own, and the processes behind them."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from db.embedded import StoreUrls
from db.embedded.folder import Folder

DEADLINE_SECONDS = 60.0
PROJECT = Path(__file__).resolve().parents[2]


class Launcher:
    """`python -m db.embedded start` on one data folder."""

    def __init__(self, data_dir: Path, *, enter: Callable[[], None] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "db.embedded", "start", str(data_dir)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
            preexec_fn=enter,
        )

    def urls(self) -> StoreUrls:
        """What it prints once the stores answer."""
        assert self.process.stdout is not None
        values = [self.process.stdout.readline().strip().partition("=")[2] for _ in range(3)]
        assert all(values), "the launcher ended while starting"
        return StoreUrls(*values)

    def leave(self) -> int:
        """Ctrl-C, and its exit code."""
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=DEADLINE_SECONDS)
        return self.process.returncode

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.communicate(timeout=DEADLINE_SECONDS)


def operate(command: str, data_dir: Path) -> subprocess.CompletedProcess[str]:
    """One command of an operator."""
    return subprocess.run(
        [sys.executable, "-m", "db.embedded", command, str(data_dir)],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=False,
        timeout=DEADLINE_SECONDS,
    )


def running(data_dir: Path) -> list[psutil.Process]:
    """The supervisor of a data folder and every process below it."""
    supervisor = psutil.Process(Folder.create(data_dir).load().supervisor)
    return [supervisor, *supervisor.children(recursive=True)]


def all_end(processes: Sequence[psutil.Process]) -> bool:
    """Whether all of them end before the deadline. A zombie has ended."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    return all(ends(process, deadline) for process in processes)


def ends(process: psutil.Process, deadline: float) -> bool:
    """Whether one of them does."""
    while lives(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def lives(process: psutil.Process) -> bool:
    """Whether it runs; one that goes while it is asked for its state does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
