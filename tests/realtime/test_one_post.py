"""An SOS and its answers, through sockets and real stores."""

import asyncio
from typing import Any

from tests.realtime.conftest import Phone, Running, StartPhone, StartServer

SOS: dict[str, Any] = {
    "client_id": "phone-a-0001",
    "type": "sos",
    "content": "day 30 and I am about to drink",
}


async def test_an_sos_is_heard_by_everybody_and_its_ack_carries_help(
    server: Running, start_phone: StartPhone
) -> None:
    author, reader = await start_phone(server, country="DE"), await start_phone(server)
    answer = await author.ok("post:create", **SOS)
    heard = await reader.received("post:new")
    assert heard["data"]["post"]["id"] == answer["post"]["id"]
    assert heard["room"] == "feed"
    assert answer["crisis"]["country"] == "DE"
    assert answer["crisis"]["emergency"]
    own = await author.received("post:new")
    assert own == heard


async def test_a_retried_post_returns_the_original(server: Running, start_phone: StartPhone) -> None:
    author = await start_phone(server)
    first, second = await author.ok("post:create", **SOS), await author.ok("post:create", **SOS)
    assert first["post"]["id"] == second["post"]["id"]
    await author.ok("post:create", **{**SOS, "client_id": "phone-a-0002"})
    await author.received("post:new", lambda told: told["data"]["post"]["id"] != first["post"]["id"])
    assert len(author.all("post:new")) == 2


async def test_two_tries_at_once_on_two_servers_make_one_post(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    one, other = await start_server(), await start_server()
    phone = await start_phone(one)
    twin = Phone(phone.account)
    await twin.connect(other.url)
    answers = await asyncio.gather(phone.ok("post:create", **SOS), twin.ok("post:create", **SOS))
    assert answers[0]["post"]["id"] == answers[1]["post"]["id"]
    await phone.received("post:new")
    await twin.received("post:new")
    await twin.close()


async def test_quick_support_counts_once_and_reaches_the_author(
    server: Running, start_phone: StartPhone
) -> None:
    author, helper = await start_phone(server), await start_phone(server)
    post = (await author.ok("post:create", **SOS))["post"]
    first = await helper.ok("support:quick", post_id=post["id"], kind="stay_strong")
    again = await helper.ok("support:quick", post_id=post["id"], kind="stay_strong")
    assert first == again == {"counts": {"stay_strong": 1}, "mine": ["stay_strong"]}
    told = await author.received("support:changed")
    assert told["data"] == {"post_id": post["id"], "counts": {"stay_strong": 1}}


async def test_a_response_reaches_the_author_and_the_open_thread(
    server: Running, start_phone: StartPhone
) -> None:
    author, helper, reader = [await start_phone(server) for _ in range(3)]
    post = (await author.ok("post:create", **SOS))["post"]
    thread = await reader.ok("post:open", post_id=post["id"])
    assert thread["post"]["id"] == post["id"]
    answer = await helper.ok(
        "support:respond", client_id="helper-0001", post_id=post["id"], type="text", content="I am here."
    )
    for phone in (author, reader):
        heard = await phone.received("response:new")
        assert heard["data"]["response"]["id"] == answer["response"]["id"]
    assert not helper.all("response:new")


async def test_every_member_on_both_servers_hears_one_order(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    one, other = await start_server(posts_per_hour=100), await start_server(posts_per_hour=100)
    phones = [await start_phone(server) for server in (one, other, one, other)]
    for_all = [
        phone.ok("post:create", client_id=f"order-{index}-{turn}", type="question", content="What now?")
        for turn in range(10)
        for index, phone in enumerate(phones)
    ]
    await asyncio.gather(*for_all)
    for phone in phones:
        await phone.received("post:new", lambda told: told["seq"] == len(for_all))
    orders = [[(told["seq"], told["event_id"]) for told in phone.all("post:new", "feed")] for phone in phones]
    assert orders[0] == orders[1] == orders[2] == orders[3]
    assert [seq for seq, _ in orders[0]] == list(range(1, len(for_all) + 1))


async def test_a_circle_hears_its_own_posts_and_strangers_do_not(
    server: Running, start_phone: StartPhone
) -> None:
    owner, member, stranger = [await start_phone(server) for _ in range(3)]
    circle = (await owner.ok("circle:create", name="Night watch"))["circle"]
    joined = await member.ok("circle:join", circle_id=circle["id"])
    assert joined["circle"]["my_role"] == "member"
    assert joined["position"]["epoch"]
    await owner.received("circle:member", lambda told: told["data"]["member"]["id"] == member.id)
    said = {"client_id": "circle-0001", "type": "check_in", "content": "here", "visibility": "circle"}
    post = (await owner.ok("post:create", **said, circle_id=circle["id"]))["post"]
    heard = await member.received("post:new")
    assert heard["room"] == f"circle:{circle['id']}"
    assert (await stranger.refused("post:open", {"post_id": post["id"]}))["code"] == "not_found"
    await member.ok("circle:leave", circle_id=circle["id"])
    await owner.ok("post:create", **{**said, "client_id": "circle-0002"}, circle_id=circle["id"])
    await owner.received("post:new", lambda told: told["data"]["post"]["id"] != post["id"])
    assert len(member.all("post:new")) == 1
    assert not stranger.all("post:new")
