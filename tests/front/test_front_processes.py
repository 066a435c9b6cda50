"""Workers and parents that end, as asked or not."""

import asyncio
import os
import signal
from collections.abc import Sequence
from itertools import islice

import pytest
import socketio
from front_harness import (
    DEADLINE_SECONDS,
    Connection,
    Service,
    StartService,
    all_end,
    get,
    owner,
    poll,
    send,
    session_on,
    within,
)

from realtime.front.supervisor import FAILURES_MAX


class Client:
    """A client with default transports. `returned` is set when it has come back by itself, if it does."""

    def __init__(self, *, returns: bool) -> None:
        self.socket = socketio.AsyncClient(
            reconnection=returns, reconnection_delay=0.05, reconnection_delay_max=0.2
        )
        self.returned = asyncio.Event()
        self.connects = 0
        self.socket.on("connect", self._connected)

    async def _connected(self) -> None:
        self.connects += 1
        if self.connects > 1:
            self.returned.set()

    @property
    def worker(self) -> int:
        return owner(self.socket.eio.sid)


@pytest.fixture
async def service(start: StartService) -> Service:
    started = await start()
    await started.ready(3)
    return started


async def crowd(service: Service, number: int, *, returns: bool) -> list[Client]:
    """That many clients, and at least one on each worker."""
    clients: list[Client] = []
    while len(clients) < number or len({client.worker for client in clients}) < 3:
        clients.append(Client(returns=returns))
        await within(clients[-1].socket.connect(service.url, wait_timeout=DEADLINE_SECONDS))
    return clients


async def leave(clients: Sequence[Client]) -> None:
    await within(asyncio.gather(*(client.socket.shutdown() for client in clients)))


async def test_the_clients_of_a_killed_worker_come_back_and_the_others_notice_nothing(
    service: Service,
) -> None:
    clients = await crowd(service, 12, returns=True)
    lost = [client for client in clients if client.worker == 1]
    os.kill(service.pids[1], signal.SIGKILL)
    await within(asyncio.gather(*(client.returned.wait() for client in lost)))
    calls = (client.socket.call("message-with-ack", "here") for client in clients)
    assert set(await within(asyncio.gather(*calls))) == {"here"}
    assert all(client.connects == 1 + (client in lost) for client in clients)
    await leave(clients)


async def test_a_session_of_a_killed_worker_is_unknown_before_and_after_it_is_back(service: Service) -> None:
    session, killed = await session_on(service, 1), service.pids[1]
    os.kill(killed, signal.SIGKILL)
    assert await all_end([worker for worker in service.workers() if worker.pid == killed])
    unknown = (400, b'{"code":1,"message":"Session ID unknown"}')
    async with await Connection.open(service) as connection:
        answer = await connection.ask(poll(session))
        assert (answer.status, answer.body) == unknown
    await service.ready()
    assert service.pids[1] != killed
    for _ in range(6):
        async with await Connection.open(service) as connection:
            answer = await connection.ask(poll(session))
            assert (answer.status, answer.body) == unknown
    fresh = await session_on(service, 1)
    for _ in range(6):
        async with await Connection.open(service) as connection:
            assert (await connection.ask(send(fresh, "3"))).body == b"ok"


async def test_workers_can_be_replaced_one_by_one(service: Service) -> None:
    for index in range(3):
        before = service.pids[index]
        os.kill(before, signal.SIGTERM)
        await service.ready()
        assert service.pids[index] != before
    async with await Connection.open(service) as connection:
        assert int((await connection.ask(get("/pid"))).body) in service.pids.values()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_stop_signal_ends_all(service: Service, number: int) -> None:
    clients = await crowd(service, 3, returns=False)
    workers = service.workers()
    assert {worker.pid for worker in workers} == set(service.pids.values())
    service.process.send_signal(number)
    assert await service.ended() == 0
    assert await all_end(workers)
    await leave(clients)


async def test_a_killed_parent_leaves_nothing_behind(service: Service) -> None:
    clients = await crowd(service, 3, returns=False)
    workers = service.workers()
    service.process.kill()
    assert await all_end(workers)
    await leave(clients)
    await service.ended()


async def test_workers_that_cannot_stop_are_killed(start: StartService) -> None:
    service = await start("--behaviour", "stubborn", "--stop-seconds", "0.3")
    await service.ready(3)
    workers = service.workers()
    service.process.terminate()
    assert await service.ended() == 1
    assert await all_end(workers)


async def test_workers_that_cannot_stop_do_not_outlive_a_killed_parent(start: StartService) -> None:
    service = await start("--behaviour", "stubborn", "--stop-seconds", "0.3")
    await service.ready(3)
    workers = service.workers()
    service.process.kill()
    assert await all_end(workers)
    await service.ended()


async def test_workers_that_keep_failing_end_the_service(start: StartService) -> None:
    service = await start("--behaviour", "failing", "--processes", "2", "--backoff-seconds", "0.01")
    assert await service.ended() == 1


async def test_a_worker_that_keeps_failing_takes_no_other_with_it(start: StartService) -> None:
    service = await start("--behaviour", "first-fails", "--processes", "2", "--backoff-seconds", "0.001")
    await service.ready(2 * FAILURES_MAX)
    async with await Connection.open(service) as connection:
        assert int((await connection.ask(get("/pid"))).body) == service.pids[1]


async def test_a_worker_that_hangs_is_replaced(start: StartService) -> None:
    service = await start("--hung-seconds", "1")
    await service.ready(3)
    stopped = service.pids[1]
    os.kill(stopped, signal.SIGSTOP)
    while service.pids[1] == stopped:
        await service.ready()
    assert owner(await session_on(service, 1)) == 1


async def test_a_port_that_is_served_already_is_refused(service: Service, start: StartService) -> None:
    second = await start("--port", str(service.port))
    assert await second.ended() == 1
    async with await Connection.open(service) as connection:
        assert (await connection.ask(get("/pid"))).status == 200


async def test_a_worker_that_does_not_answer_is_not_waited_for_by_the_others(service: Service) -> None:
    session = await session_on(service, 1)
    os.kill(service.pids[1], signal.SIGSTOP)
    waiting = [await Connection.open(service) for _ in range(60)]
    try:
        # A third of all connections is the stopped worker's own; the others hand these on and go on.
        for connection in waiting:
            connection.writer.write(send(session, "3"))
        asked = [asyncio.create_task(process_of(service)) for _ in range(30)]
        for answered in islice(asyncio.as_completed(asked), 10):
            assert await within(answered) != service.pids[1]
    finally:
        os.kill(service.pids[1], signal.SIGCONT)
    for connection in waiting:
        assert (await connection.answer()).body == b"ok"
        connection.writer.close()
    await within(asyncio.gather(*asked))


async def process_of(service: Service) -> int:
    async with await Connection.open(service) as connection:
        return int((await connection.ask(get("/pid"))).body)
