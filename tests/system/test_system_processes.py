"""Two servers and a worker as real processes; some of them get killed."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import psutil
import socketio

from db.embedded.port import free_port
from demo.cluster import ROOT, Cluster, Process
from demo.phone import DEADLINE_SECONDS, Phone
from tests.system.conftest import StartPhone, store_process, suspended


def said(number: int) -> dict[str, Any]:
    return {
        "client_id": f"system-{number:05}",
        "type": "check_in",
        "content": f"Day {number}. Still sober, one hour at a time.",
    }


def about(post_id: str) -> Any:
    return lambda told: told["data"]["post"]["id"] == post_id


def heard_posts(phone: Phone) -> list[str]:
    """Post ids from the feed, each once, in the order they came."""
    told = [data["data"]["post"]["id"] for name, data in phone.heard if name == "post:new"]
    return list(dict.fromkeys(told))


async def test_a_post_through_one_server_is_heard_on_both_in_one_order(
    servers: Cluster, start_phone: StartPhone
) -> None:
    first, second, _ = await asyncio.gather(servers.server(), servers.server(), servers.worker())
    phones = [await start_phone(server) for server in (first, second, first, second)]
    acks = await asyncio.gather(
        *(phone.send("post:create", **said(number)) for number in range(15) for phone in phones)
    )
    posts = [ack["post"]["id"] for ack in acks]
    for phone in phones:
        for post_id in posts:
            await phone.received("post:new", about(post_id))
    orders = [
        [(data["seq"], data["event_id"]) for name, data in phone.heard if name == "post:new"]
        for phone in phones
    ]
    assert orders[0] == orders[1] == orders[2] == orders[3]
    assert len(orders[0]) == len(posts)


async def test_the_relay_tells_what_a_killed_server_had_committed(
    servers: Cluster, start_phone: StartPhone
) -> None:
    healthy = await servers.server()
    doomed = await servers.server(FAULT_CRASH_BEFORE_PUBLISH="post:new")
    await servers.worker()
    reader, author = await start_phone(healthy), await start_phone(doomed)
    await author.client.emit("post:create", said(1))
    await asyncio.wait_for(doomed.child.wait(), DEADLINE_SECONDS)
    assert doomed.child.returncode == -signal.SIGKILL
    told = await reader.received("post:new")
    assert told["data"]["post"]["content"] == said(1)["content"]
    await author.connect(healthy.url)
    again = await author.send("post:create", **said(1))
    assert again["post"]["id"] == told["data"]["post"]["id"]


async def test_a_restart_of_valkey_loses_nothing_acknowledged(
    self_contained: Cluster, start_phone: StartPhone
) -> None:
    first, second, _ = await asyncio.gather(
        self_contained.server(), self_contained.server(), self_contained.worker()
    )
    author, reader = await start_phone(first), await start_phone(second)
    acknowledged: list[str] = []
    for number in range(60):
        if number in (20, 40):
            store_process(self_contained, "valkey").kill()
        ack = await author.send("post:create", **said(number))
        acknowledged.append(ack["post"]["id"])
    for phone in (author, reader):
        for post_id in acknowledged:
            await phone.received("post:new", about(post_id))
        assert sorted(heard_posts(phone)) == sorted(acknowledged)


async def test_jobs_of_a_killed_worker_run_again(servers: Cluster, start_phone: StartPhone) -> None:
    server = await servers.server()
    worker = await servers.worker()
    author, helper = await start_phone(server), await start_phone(server)
    posts = [(await author.send("post:create", **said(number)))["post"]["id"] for number in range(5)]
    taps = [helper.send("support:quick", post_id=post_id, kind="been_there") for post_id in posts]
    await asyncio.gather(*taps, worker.kill())
    await servers.worker()
    balance = await helper.received("points:changed", lambda told: told["data"]["balance"] == 5)
    assert balance["data"]["change"] == 1
    assert (await helper.rest("GET", "/v1/me"))["strength_points"] == 5


async def test_a_server_that_is_told_to_stop_says_so_and_ends(
    servers: Cluster, start_phone: StartPhone
) -> None:
    server = await servers.server()
    phone = await start_phone(server)
    stopping = asyncio.create_task(server.stop())
    assert (await phone.received("session:ended"))["code"] == "draining"
    assert await stopping == 0


async def test_ctrl_c_leaves_no_process_behind(tmp_path: Path) -> None:
    port = free_port()
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in os.environ}
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "run_server.py"),
        "--with-worker",
        "--port",
        str(port),
        cwd=tmp_path,
        env=kept,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    assert child.stdout is not None
    try:
        printed = ""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while "Ctrl-C stops everything" not in printed:
                printed += (await child.stdout.readline()).decode()
        assert f"http://127.0.0.1:{port}" in printed
        assert "Log in as" in printed
        family = [psutil.Process(child.pid), *psutil.Process(child.pid).children(recursive=True)]
        os.killpg(child.pid, signal.SIGINT)
        assert await asyncio.wait_for(child.wait(), DEADLINE_SECONDS) == 0
    finally:
        if child.returncode is None:
            child.kill()  # its stores follow
    _, alive = psutil.wait_procs(family, timeout=DEADLINE_SECONDS)
    assert not alive


async def test_four_processes_serve_one_port_to_clients_that_poll_first(
    servers: Cluster, start_phone: StartPhone
) -> None:
    server = await servers.server("--processes", "4")
    await servers.worker()
    phones = await asyncio.gather(*(start_phone(server) for _ in range(12)))
    assert {phone.client.transport() for phone in phones} <= {"polling", "websocket"}
    ack = await phones[0].send("post:create", **said(1))
    for phone in phones:
        await phone.received("post:new", about(ack["post"]["id"]))
    process = psutil.Process(server.child.pid)
    assert len(process.children()) >= 4


async def test_an_sos_is_answered_with_help_while_every_store_hangs(
    self_contained: Cluster, start_phone: StartPhone
) -> None:
    server = await self_contained.server(STORE_TIMEOUT_SECONDS="1", HANDLER_TIMEOUT_SECONDS="2")
    phone = await start_phone(server, country="DE")
    sos = {"client_id": "while-down", "type": "sos", "content": "Day 30 and I am about to drink."}
    stores = [store_process(self_contained, name) for name in ("postgresql", "mongodb", "valkey")]
    with suspended(stores):
        ack = await phone.client.call("post:create", sos, timeout=DEADLINE_SECONDS)
        numbers = await phone.rest("GET", "/v1/crisis/resources?country=DE")
    assert ack["ok"] is False
    assert ack["error"]["code"] == "unavailable"
    assert ack["data"]["crisis"]["country"] == "DE"
    assert ack["data"]["crisis"]["emergency"] == numbers["emergency"]
    again = await phone.send("post:create", **sos)
    assert again["post"]["content"] == sos["content"]


async def test_nobody_waits_for_a_hanging_postgresql_once_more_to_take_back_what_was_begun(
    self_contained: Cluster, start_phone: StartPhone
) -> None:
    """A rollback that waits would take longer than the phone does."""
    server = await self_contained.server(HANDLER_TIMEOUT_SECONDS="2", STORE_TIMEOUT_SECONDS="60")
    phone = await start_phone(server, country="DE")
    sos = {"client_id": "while-hanging", "type": "sos", "content": "Day 30 and I am about to drink."}
    with suspended([store_process(self_contained, "postgresql")]):
        ack = await phone.client.call("post:create", sos, timeout=DEADLINE_SECONDS)
    assert (ack["error"]["code"], ack["data"]["crisis"]["country"]) == ("unavailable", "DE")
    assert (await phone.send("post:create", **sos))["post"]["content"] == sos["content"]


async def test_sockets_of_a_killed_server_stop_counting(servers: Cluster, start_phone: StartPhone) -> None:
    few = {"SOCKETS_PER_ACCOUNT": "1", "SOCKET_LEASE_SECONDS": "15"}
    doomed, other = await asyncio.gather(servers.server(**few), servers.server(**few))
    phone = await start_phone(doomed)
    assert await refused(phone, other)
    await doomed.kill()
    async with asyncio.timeout(DEADLINE_SECONDS):
        while await refused(phone, other):  # noqa: ASYNC110  (each try costs some of the account's events)
            await asyncio.sleep(0.2)


async def refused(phone: Phone, server: Process) -> bool:
    """Whether another socket of this account is one too many there."""
    device = socketio.AsyncClient(reconnection=False)
    try:
        token = {"token": phone.tokens["access_token"]}
        await device.connect(server.url, auth=token, wait_timeout=DEADLINE_SECONDS)
    except socketio.exceptions.ConnectionError:
        return True
    await device.disconnect()
    return False
