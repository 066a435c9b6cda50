"""One order for everybody, on every server."""

import asyncio
from collections import defaultdict

from domain import rooms
from tests.contract.deadline import until
from tests.realtime.conftest import Phone, StartPhone, StartServer

MEMBERS, PUBLISHERS, POSTS_EACH = 50, 20, 5


def sequences(phone: Phone) -> dict[str, list[tuple[int, str]]]:
    found: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for told in phone.all("post:new"):
        found[told["room"]].append((told["seq"], told["event_id"]))
    return found


async def test_all_members_on_two_servers_see_the_same_sequence_in_every_room(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    servers = [await start_server(posts_per_hour=10_000), await start_server(posts_per_hour=10_000)]
    phones = [await start_phone(servers[number % 2]) for number in range(MEMBERS)]
    made = await phones[0].ok("circle:create", name="A circle of all")
    circle_id = made["circle"]["id"]
    await asyncio.gather(*(phone.ok("circle:join", circle_id=circle_id) for phone in phones[1:]))

    async def talk(phone: Phone, writer: int) -> None:
        for number in range(POSTS_EACH):
            where = (
                {"visibility": "circle", "circle_id": circle_id} if number % 2 else {"visibility": "public"}
            )
            said = {"client_id": f"{writer:04}-{number:04}", "type": "check_in", "content": "Still here."}
            await phone.ok("post:create", **said, **where)

    await asyncio.gather(*(talk(phone, writer) for writer, phone in enumerate(phones[:PUBLISHERS])))
    in_circle = PUBLISHERS * (POSTS_EACH // 2)
    expected = {
        rooms.FEED: PUBLISHERS * POSTS_EACH - in_circle,
        rooms.circle_room(circle_id): in_circle,
    }

    async def all_came() -> bool:
        return all(
            len(phone.all("post:new", room)) >= expected[room] for phone in phones for room in expected
        )

    await until(all_came)
    first = {room: told for room, told in sequences(phones[0]).items() if room in expected}
    assert {room: len(told) for room, told in first.items()} == expected
    for phone in phones:
        assert {room: told for room, told in sequences(phone).items() if room in expected} == first
