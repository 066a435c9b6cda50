"""What `domain.ports.SocketLeases` promises."""

from domain.ids import new_id
from domain.ports import Ports, Socket
from tests.contract.conftest import TwoServers
from tests.contract.deadline import until


def sockets(account_id: str, count: int) -> list[Socket]:
    return [Socket(account_id, new_id()) for _ in range(count)]


async def test_an_account_has_so_many_sockets_and_no_more(ports: Ports) -> None:
    first, second, third = sockets(new_id(), 3)
    assert await ports.leases.take(first, 2)
    assert await ports.leases.take(second, 2)
    assert not await ports.leases.take(third, 2)
    assert await ports.leases.take(Socket(new_id(), new_id()), 1)


async def test_what_is_let_go_makes_room(ports: Ports) -> None:
    first, second, third = sockets(new_id(), 3)
    await ports.leases.take(first, 1)
    await ports.leases.release([first, second])
    assert await ports.leases.take(second, 1)
    assert not await ports.leases.take(third, 1)
    assert await ports.leases.take(third, 1, gone=[second.id, first.id])


async def test_a_lease_that_is_not_renewed_lapses(short_lease: Ports) -> None:
    first, second = sockets(new_id(), 2)
    assert await short_lease.leases.take(first, 1)

    async def lapsed() -> bool:
        return await short_lease.leases.take(second, 1)

    await until(lapsed)


async def test_renewing_counts_again_what_was_lost(ports: Ports) -> None:
    account = sockets(new_id(), 3)
    await ports.leases.renew(account[:2])
    await ports.leases.renew([])
    await ports.leases.release([])
    assert not await ports.leases.take(account[2], 2)
    assert await ports.leases.take(account[2], 3)


async def test_sockets_of_a_server_that_went_silent_give_way(two_servers: TwoServers) -> None:
    killed, other = two_servers(0.2)
    first, second, third = sockets(new_id(), 3)
    assert await killed.take(first, 2)
    assert await other.take(second, 2)

    async def taken() -> bool:
        return await other.take(third, 2)

    await until(taken)
    assert not await other.take(sockets(first.account_id, 1)[0], 2)


async def test_sockets_of_a_server_that_lives_do_not(two_servers: TwoServers) -> None:
    one, other = two_servers(60)
    first, second = sockets(new_id(), 2)
    await one.renew([first])
    await one.beat()
    assert not await other.take(second, 1)


async def test_who_has_room_needs_nobody_to_give_way(two_servers: TwoServers) -> None:
    silent, other = two_servers(60)
    first, second, third = sockets(new_id(), 3)
    await silent.renew([first])
    assert await other.take(second, 2)
    await silent.beat()
    assert not await other.take(third, 2)
