"""How a server starts, or says why it does not."""

import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil

import run_server

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 60.0
PARENT = """
import os, run_server
run_server.__file__ = {beside!r}
print(run_server.started_worker().pid, flush=True)
os.kill(os.getpid(), 9)
"""


def refused(*options: str, folder: Path, **settings: str) -> str:
    """What a server says that does not start."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "run_server.py"), *options],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT), **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_SECONDS,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused("--processes", "2", "--port", str(port), folder=tmp_path)
    assert f"SERVER_PORT: 127.0.0.1:{port} cannot be listened on: Address already in use" in said


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "DATA_DIR" in refused("--port", "0", folder=tmp_path, DATA_DIR="file/data")


def test_a_worker_stops_when_the_server_that_started_it_is_killed(tmp_path: Path) -> None:
    (tmp_path / "run_worker.py").write_text("import signal; signal.pause()")
    parent = subprocess.run(
        [sys.executable, "-c", PARENT.format(beside=str(tmp_path / "run_server.py"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_SECONDS,
    )
    assert parent.returncode == -signal.SIGKILL, parent.stderr
    try:
        psutil.Process(int(parent.stdout)).wait(DEADLINE_SECONDS)
    except psutil.NoSuchProcess:
        return


def test_as_many_files_are_allowed_as_there_may_be_sockets() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowered = before[0] - 100
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowered, before[1]))
        run_server.allow_files(lowered - 1)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == lowered
        run_server.allow_files(lowered + 50)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == lowered + 50
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
