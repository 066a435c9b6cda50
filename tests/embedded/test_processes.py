"""Launchers, supervisor and stores as real processes that get killed."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from launched import DEADLINE_SECONDS, Launcher, all_end, ends, operate, running
from marks import eventually_marks, marks, write_mark

from db.embedded import EmbeddedStoresError, StoreUrls, embedded_stores
from db.embedded.folder import Folder, State
from db.embedded.identity import candidates, namespace
from db.embedded.operations import ask_to_stop
from db.embedded.service import is_server_of

Launch = Callable[..., Launcher]


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data folder whose stores are stopped after the test, whatever happened in it."""
    yield tmp_path
    operate("stop", tmp_path)


@pytest.fixture
def launch(data_dir: Path) -> Iterator[Launch]:
    """Starts launchers on the data folder; none of them outlives the test, however it ends."""
    launchers: list[Launcher] = []

    def start(**options: Any) -> Launcher:
        launchers.append(Launcher(data_dir, **options))
        return launchers[-1]

    yield start
    for launcher in launchers:
        launcher.kill()


async def test_data_and_addresses_outlive_a_stop(data_dir: Path) -> None:
    async with embedded_stores(data_dir) as first:
        await write_mark(first, "kept")
    async with embedded_stores(data_dir) as second:
        assert await marks(second) == ["kept", "kept", "kept"]
        assert second == first


async def test_the_last_to_leave_returns_when_nothing_runs_any_more(data_dir: Path) -> None:
    async with embedded_stores(data_dir):
        processes = running(data_dir)
    assert len(processes) > 4
    assert not [process for process in processes if process.is_running()]


@pytest.mark.parametrize("store", ["postgresql", "mongodb", "valkey"])
async def test_a_killed_store_comes_back_with_its_data(store: str, data_dir: Path) -> None:
    async with embedded_stores(data_dir) as urls:
        await write_mark(urls, "kept")
        server = psutil.Process(Folder.create(data_dir).load().pids[store])
        assert is_server_of(server.pid, data_dir / "stores" / store)
        server.kill()
        assert all_end([server])
        assert await eventually_marks(urls) == ["kept", "kept", "kept"]


async def test_a_disk_that_takes_nothing_more_ends_no_store(data_dir: Path) -> None:
    async with embedded_stores(data_dir) as urls:
        await write_mark(urls, "kept")
        processes = running(data_dir)
        (data_dir / "stores" / "state.new").mkdir()  # what is remembered cannot be replaced
        server = psutil.Process(Folder.create(data_dir).load().pids["valkey"])
        server.kill()
        assert all_end([server])
        assert await eventually_marks(urls) == ["kept", "kept", "kept"]
        assert processes[0].is_running()
    log = (data_dir / "stores" / "logs" / "postgresql.log").read_text()
    assert log.rstrip().endswith("database system is shut down")
    (data_dir / "stores" / "state.new").rmdir()


def test_a_killed_launcher_leaves_no_process_behind(launch: Launch, data_dir: Path) -> None:
    launcher = launch()
    launcher.urls()
    processes = running(data_dir)
    launcher.kill()
    assert all_end(processes)


async def test_a_killed_supervisor_leaves_no_process_behind_and_loses_no_data(
    launch: Launch, data_dir: Path
) -> None:
    launcher = launch()
    await write_mark(launcher.urls(), "kept")
    supervisor, *stores = running(data_dir)
    supervisor.kill()
    # Who comes before it is dead joins what is about to die, and sees that as any user does.
    assert ends(supervisor, time.monotonic() + DEADLINE_SECONDS)
    # At once then: the newcomer has to wait until the old stores are gone.
    async with embedded_stores(data_dir) as urls:
        assert await marks(urls) == ["kept", "kept", "kept"]
        launcher.kill()
    assert all_end([supervisor, *stores])


async def test_two_launchers_share_the_stores_until_the_second_leaves(launch: Launch, data_dir: Path) -> None:
    one, other = launch(), launch()
    urls = one.urls()
    assert other.urls() == urls
    processes = running(data_dir)
    assert one.leave() == 0
    await write_mark(urls, "still here")
    assert other.leave() == 0
    assert all_end(processes)


async def test_a_sharer_keeps_the_stores_when_their_starter_is_killed(launch: Launch, data_dir: Path) -> None:
    starter = launch()
    starter.urls()
    async with embedded_stores(data_dir) as urls:
        starter.kill()
        await write_mark(urls, "still here")
        assert await marks(urls) == ["still here", "still here", "still here"]


def test_ctrl_c_in_the_terminal_does_not_reach_the_stores(launch: Launch, data_dir: Path) -> None:
    launcher = launch()
    launcher.urls()
    supervisor = running(data_dir)[0]
    sessions = {os.getsid(process.pid) for process in [supervisor, *supervisor.children()]}
    assert len(sessions) == 4
    assert os.getsid(launcher.process.pid) not in sessions
    launcher.leave()


async def test_an_ordinary_user_can_start_the_stores(launch: Launch) -> None:
    # Root plays one: in the namespace it is called 65534 and may nothing that root may.
    launcher = launch(enter=namespace().enter if os.geteuid() == 0 else None)
    await write_mark(launcher.urls(), "ordinary")
    assert launcher.leave() == 0


async def test_root_starts_postgresql_under_another_name(data_dir: Path) -> None:
    async with embedded_stores(data_dir) as urls:
        server = psutil.Process(Folder.create(data_dir).load().pids["postgresql"])
        owner = (data_dir / "stores" / "postgresql").stat().st_uid
        assert server.uids().effective == owner
        assert owner in {identity.uid for identity in candidates()}
        await write_mark(urls, "root or not")


async def test_a_port_that_somebody_else_took_is_replaced(data_dir: Path) -> None:
    async with embedded_stores(data_dir):
        pass
    folder = Folder.create(data_dir)
    taken = folder.load().ports["valkey"]
    with listening_on(taken):
        async with embedded_stores(data_dir) as urls:
            assert folder.load().ports["valkey"] != taken
            await write_mark(urls, "elsewhere")


async def test_a_store_that_cannot_start_is_reported_with_its_log_and_leaves_nothing(data_dir: Path) -> None:
    async with embedded_stores(data_dir) as urls:
        await write_mark(urls, "kept")
    control = data_dir / "stores" / "postgresql" / "global" / "pg_control"
    control.rename(control.with_suffix(".aside"))
    with pytest.raises(EmbeddedStoresError, match=r"(?s)postgresql ended.*pg_control.*POSTGRES_URL"):
        await enter_and_leave(data_dir)
    assert "not running" in operate("status", data_dir).stdout

    control.with_suffix(".aside").rename(control)
    async with embedded_stores(data_dir) as urls:
        assert await marks(urls) == ["kept", "kept", "kept"]


async def test_operators_see_stop_and_reset_the_stores(launch: Launch, data_dir: Path) -> None:
    launcher = launch()
    urls = launcher.urls()
    await write_mark(urls, "deleted")
    status = operate("status", data_dir).stdout
    assert status.startswith("running")
    assert password_of(urls) not in status

    refusal = operate("reset", data_dir)
    assert refusal.returncode == 1
    assert "Stop them first" in refusal.stderr

    processes = running(data_dir)
    assert operate("stop", data_dir).stdout == "stopped\n"
    assert all_end(processes)
    launcher.leave()
    assert operate("reset", data_dir).returncode == 0
    async with embedded_stores(data_dir) as fresh:
        assert await marks(fresh) == []


def test_nobody_is_stopped_in_the_place_of_a_supervisor_that_is_starting(data_dir: Path) -> None:
    folder = Folder.create(data_dir)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        for number in (stranger.pid, 0):
            folder.save(State(supervisor=number))
            assert not ask_to_stop(folder)
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("text", ["", "{", '{"of_another_version": 1}', "[]"])
def test_a_state_that_cannot_be_understood_is_reported_with_what_to_do(text: str, tmp_path: Path) -> None:
    folder = Folder.create(tmp_path)
    (folder.root / "state.json").write_text(text)
    with pytest.raises(EmbeddedStoresError, match=r"state\.json.*reset"):
        folder.load()


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = operate("start", tmp_path / "file" / "data")
    assert refused.returncode == 1
    assert "DATA_DIR" in refused.stderr
    assert "Traceback" not in refused.stderr


async def test_passwords_are_readable_by_their_owner_alone(data_dir: Path) -> None:
    async with embedded_stores(data_dir) as urls:
        password = password_of(urls)
        private = [
            path for path in (data_dir / "stores").rglob("*") if path.is_file() and holds(path, password)
        ]
        assert private
        assert {path.stat().st_mode & 0o077 for path in private} == {0}
        commands = [" ".join(process.cmdline()) for process in running(data_dir)]
        assert not [command for command in commands if password in command]
        assert password not in repr(urls)


@contextmanager
def listening_on(port: int) -> Iterator[None]:
    """A stranger's server on a port."""
    with socket.create_server(("127.0.0.1", port)):
        yield


async def enter_and_leave(data_dir: Path) -> None:
    """Use the stores for nothing."""
    async with embedded_stores(data_dir):
        pass


def password_of(urls: StoreUrls) -> str:
    """Valkey's, which is the one with a configuration file."""
    return urls.redis_url.removeprefix("redis://:").partition("@")[0]


def holds(path: Path, text: str) -> bool:
    """Whether a file contains `text`."""
    return text.encode() in path.read_bytes()
