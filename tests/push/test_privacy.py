"""From an SOS to the phones, on real stores: what leaves, and what is logged, says nothing about anybody."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest

from db.push.services import PushServices
from db.stores import open_stores
from domain import devices, notifications, posts, sessions
from domain.accounts import User
from domain.devices import RegisterDevice
from domain.errors import Unavailable
from domain.ids import new_id
from domain.jobs import JobFilter
from domain.ports import Ports
from domain.posts import CreatePost
from domain.sessions import RegisterAnonymous
from tests.push.outside import Outside
from tests.push.received import Reply, Request
from workers import jobs
from workers.job import KINDS

SECRET = "a secret of the tests, long enough for its algorithm"
CONTENT = "canary-content: one drink away from losing it"
TOKENS = {"ios": "ca" * 32, "android": "canary-registration-token-of-a-phone"}
WORDS = ("sos", "sober", "recover", "addict", "alcohol", "craving", "crisis", "support", "relapse", "anonym")


@pytest.fixture
async def ports(
    outside: Outside, push: PushServices, postgres_url: str, mongodb_uri: str, redis_url: str
) -> AsyncIterator[Ports]:
    stores_at = {
        "postgres_url": postgres_url,
        "mongodb_uri": mongodb_uri,
        "mongodb_database": urlsplit(mongodb_uri).path.strip("/"),
        "redis_url": redis_url,
    }
    settings = outside.shown(**stores_at, jwt_secret=SECRET, encryption_key=SECRET)
    async with open_stores(settings) as stores:
        yield replace(stores.ports, push=push)


async def person(ports: Ports) -> User:
    registered = await sessions.register_anonymous(RegisterAnonymous(), ports)
    return await sessions.identify(registered.tokens.access_token, ports)


async def helper_with_devices(outside: Outside, ports: Ports) -> User:
    helper = await person(ports)
    address = outside.browser.subscribe("canary-endpoint")
    commands = [
        RegisterDevice(platform="ios", token=TOKENS["ios"]),
        RegisterDevice(platform="android", token=TOKENS["android"]),
        RegisterDevice(platform="web", token=address.token, keys=address.keys),
    ]
    for command in commands:
        await devices.register_device(command, helper, ports)
    return helper


async def work(name: str, ports: Ports, *, times: int = 2) -> None:
    """Runs every owed job of this name, each as often as is said."""
    assert jobs.__all__
    await ports.announcer.drain()
    for row in await ports.jobs.find(JobFilter(name=name)):
        for _ in range(times):
            await KINDS[name].function(ports, **row.args)
    await ports.announcer.drain()


async def sos(helper: User, ports: Ports) -> tuple[User, str]:
    """The author and the id of an SOS that the helper is asked about."""
    author = await person(ports)
    command = CreatePost(client_id=new_id(), type="sos", content=CONTENT, categories=["alcohol"])
    post = (await posts.create_post(command, author, ports)).post
    await notifications.fan_out("sos", post.id, [helper.id], ports, post_id=post.id, actor_id=author.id)
    return author, post.id


def everything(outside: Outside) -> list[Request]:
    return [*outside.apple.requests, *outside.google.requests, *outside.browser.requests]


async def test_every_device_is_told_once_however_often_the_jobs_run(outside: Outside, ports: Ports) -> None:
    helper = await helper_with_devices(outside, ports)
    await sos(helper, ports)
    await work("notify_many", ports)
    await work("push", ports, times=3)
    counts = [len(one.requests) for one in (outside.apple, outside.google, outside.browser)]
    assert counts == [1, 1, 1]


async def test_dead_addresses_are_dropped_and_the_living_one_is_told(outside: Outside, ports: Ports) -> None:
    helper = await helper_with_devices(outside, ports)
    outside.apple.replies[TOKENS["ios"]] = [Reply(410, {"reason": "Unregistered"})]
    outside.browser.replies["canary-endpoint"] = [Reply(410)]
    await sos(helper, ports)
    await work("notify_many", ports)
    await work("push", ports)
    left = await devices.list_devices(helper, ports)
    assert [device.platform for device in left.items] == ["android"]
    assert [len(one.requests) for one in (outside.apple, outside.google, outside.browser)] == [1, 1, 1]


async def test_an_outage_of_one_service_repeats_nothing_at_the_others(outside: Outside, ports: Ports) -> None:
    helper = await helper_with_devices(outside, ports)
    outside.google.replies[TOKENS["android"]] = [Reply(503)]
    await sos(helper, ports)
    await work("notify_many", ports)
    with pytest.raises(Unavailable):
        await work("push", ports, times=1)
    await work("push", ports)
    assert [len(one.requests) for one in (outside.apple, outside.google, outside.browser)] == [1, 2, 1]


async def test_nothing_that_identifies_anybody_or_anything_leaves(
    outside: Outside, ports: Ports, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, logger="pymongo")
    helper = await helper_with_devices(outside, ports)
    outside.google.replies[TOKENS["android"]] = [Reply(200)]
    author, post_id = await sos(helper, ports)
    await work("notify_many", ports)
    await work("push", ports)
    told = await ports.records.notifications.page(helper.id, None, 5, without=[])
    accounts = await ports.records.accounts.get_many([helper.id, author.id])
    private = [helper.id, author.id, post_id, told[0].event_id, CONTENT, "canary-content"]
    private += [account.handle for account in accounts.values()]
    left = "\n".join(shown(request, outside) for request in everything(outside)).lower()
    assert told[0].id in left
    for word in (*private, *WORDS):
        assert word.lower() not in left
    assert_tokens_are_only_where_they_belong(outside)
    written = "\n".join([caplog.text, *capfd.readouterr()])
    for secret in (*private, *TOKENS.values(), "canary-endpoint", "ca" * 20, "bearer ", "vapid t="):
        assert secret not in written


def shown(request: Request, outside: Outside) -> str:
    """All that a push service can read, and what the browser can; without signatures and random names."""
    headers = {name: value for name, value in request.headers.items() if name != "authorization"}
    sealed = "content-encoding" in headers and headers["content-encoding"] == "aes128gcm"
    body: Any = outside.browser.read(request) if sealed else msgspec.json.decode(request.body)
    topic = outside.browser.requests[0].headers["topic"]
    return f"{request.path} {headers} {body}".replace(topic, "")


def assert_tokens_are_only_where_they_belong(outside: Outside) -> None:
    assert "canary" not in str(outside.apple.requests)
    assert TOKENS["ios"] not in str(outside.google.requests) + str(outside.browser.requests)
    assert TOKENS["android"] not in str(outside.apple.requests) + str(outside.browser.requests)


async def test_what_rests_in_the_database_opens_no_phone(
    outside: Outside, ports: Ports, postgres_url: str
) -> None:
    await helper_with_devices(outside, ports)
    connection = await asyncpg.connect(postgres_url)
    rows = await connection.fetch("select * from devices")
    await connection.close()
    assert len(rows) == 3
    text = repr([dict(row) for row in rows])
    for token in (*TOKENS.values(), "canary-endpoint", outside.browser.host):
        assert token not in text
