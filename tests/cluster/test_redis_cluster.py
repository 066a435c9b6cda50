"""Rooms on a Redis Cluster: order, moves of slots, lost servers."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from db.redis import feed
from db.redis.node import slot_of
from domain.errors import Unavailable
from domain.events import Publication
from domain.ids import new_id
from tests.cluster.listening import EVENT, Listening, listening, publish, some_rooms
from tests.cluster.valkey_cluster import ValkeyCluster, valkey_cluster


@pytest.fixture(scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ValkeyCluster]:
    """Shared: every test has rooms of its own, and leaves all servers running."""
    async with valkey_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
async def listener(cluster: ValkeyCluster) -> AsyncIterator[Listening]:
    async with listening(cluster.urls[:1]) as listener:
        yield listener


def assert_whole(listener: Listening, room: str, seqs: list[int]) -> None:
    """Everything published, once, in the order of the log, each behind the one it names."""
    heard = listener.heard[room]
    assert [event.seq for event in heard] == sorted(seqs)
    assert len(set(seqs)) == len(seqs)
    assert [event.previous for event in heard[1:]] == [event.seq for event in heard[:-1]]


async def test_rooms_of_all_servers_are_heard_in_the_order_of_their_logs(
    cluster: ValkeyCluster, listener: Listening
) -> None:
    rooms = some_rooms(30)
    await listener.open(rooms)
    holders = {(await cluster.holder(slot_of(room))).port for room in rooms}
    assert holders == {server.port for server in cluster.primaries}
    said = await asyncio.gather(
        *(publish(listener.logs, room, f"{number}") for number in range(10) for room in rooms)
    )
    for index, room in enumerate(rooms):
        await listener.hears(room, 10)
        assert_whole(listener, room, said[index :: len(rooms)])


async def test_two_servers_hear_the_same_sequence(cluster: ValkeyCluster, listener: Listening) -> None:
    (room,) = some_rooms(1)
    async with listening(cluster.urls[2:]) as other:
        await listener.open([room])
        await other.open([room])
        writers = (listener.logs, other.logs)
        await asyncio.gather(*(publish(writers[number % 2], room, f"{number}") for number in range(200)))
        await listener.hears(room, 200)
        await other.hears(room, 200)
        assert listener.said(room) == other.said(room)


async def test_a_known_event_keeps_its_place(listener: Listening) -> None:
    (room,) = some_rooms(1)
    event = Publication(room, new_id(), EVENT, "", b'"data":0}')
    assert {await listener.logs.publish(event) for _ in range(3)} == {1}
    assert (await listener.logs.positions([room]))[room].seq == 1


async def test_what_is_told_without_a_log_is_heard(listener: Listening) -> None:
    (room,) = some_rooms(1)
    before = (await listener.logs.positions([room]))[room]
    await listener.open([room])
    await listener.logs.tell(room, "typing", "", b"{}")
    seq = await publish(listener.logs, room, "next")
    await listener.hears(room, 1)
    assert seq == before.seq + 1


@pytest.mark.parametrize("rounds", [1, 4])
async def test_a_live_room_is_heard_while_its_slot_moves(
    cluster: ValkeyCluster, listener: Listening, rounds: int
) -> None:
    (room,) = some_rooms(1)
    await listener.open([room])
    seqs: list[int] = []
    moved = asyncio.Event()

    async def talk() -> None:
        while not moved.is_set() or len(seqs) < 50 * rounds:
            seqs.append(await publish(listener.logs, room, f"{len(seqs)}"))

    talking = asyncio.create_task(talk())
    for _ in range(rounds):
        await listener.hears(room, len(seqs) + 5)
        holder = await cluster.holder(slot_of(room))
        target = next(server for server in cluster.primaries if server is not holder)
        await cluster.move(slot_of(room), target)
    moved.set()
    await talking
    await listener.hears(room, len(seqs))
    assert_whole(listener, room, seqs)


async def test_a_room_that_moved_while_it_was_quiet_is_heard(
    cluster: ValkeyCluster, listener: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the server's word that the slot is gone, long before the next survey."""
    monkeypatch.setattr(feed, "SURVEY_SECONDS", 3600)
    (room,) = some_rooms(1)
    await listener.open([room])
    seqs = [await publish(listener.logs, room, "before")]
    holder = await cluster.holder(slot_of(room))
    for target in cluster.primaries:
        if target is not holder:
            await cluster.move(slot_of(room), target)
            seqs.append(await publish(listener.logs, room, target.address))
            await listener.hears(room, len(seqs))
    assert_whole(listener, room, seqs)


async def test_the_loss_of_a_server_silences_its_rooms_only_and_they_come_back(
    cluster: ValkeyCluster, listener: Listening
) -> None:
    rooms = some_rooms(30)
    await listener.open(rooms)
    lost = cluster.primaries[2]
    homes = {room: await cluster.holder(slot_of(room)) for room in rooms}
    silent = next(room for room, home in homes.items() if home is lost)
    alive = [room for room, home in homes.items() if home is not lost]
    seqs = {room: [await publish(listener.logs, room, "before")] for room in rooms}
    run = await listener.logs.server_run()

    lost.kill()
    for room in alive:
        seqs[room].append(await publish(listener.logs, room, "meanwhile"))
        await listener.hears(room, 2)
    with pytest.raises(Unavailable):
        await listener.logs.publish(Publication(silent, new_id(), EVENT, "", b'"data":0}'))
    meanwhile = await listener.logs.server_run()
    assert meanwhile != run

    await lost.start()
    seqs[silent].append(await publish(listener.logs, silent, "after"))
    await listener.hears(silent, 2)
    for room in rooms:
        assert_whole(listener, room, seqs[room])
    assert await listener.logs.server_run() not in (run, meanwhile)


async def test_a_replica_takes_over_the_rooms_of_a_killed_primary(tmp_path: Path) -> None:
    async with valkey_cluster(tmp_path, more=1) as cluster, listening(cluster.urls[1:]) as listener:
        lost, replica = cluster.primaries[0], cluster.servers[3]
        await cluster.replicate(replica, lost)
        rooms = some_rooms(30)
        await listener.open(rooms)
        homes = {room: await cluster.holder(slot_of(room)) for room in rooms}
        taken = [room for room, home in homes.items() if home is lost]
        for room in taken:
            await publish(listener.logs, room, "before")
            await listener.hears(room, 1)
        await lost.ask("WAIT", 1, 5000)
        run = await listener.logs.server_run()
        lost.kill()
        for room in taken:
            await publish(listener.logs, room, "after")
            await listener.hears(room, 2)
            before, after = listener.heard[room]
            assert before.epoch == after.epoch
            assert after.previous == before.seq
        assert await listener.logs.server_run() != run
