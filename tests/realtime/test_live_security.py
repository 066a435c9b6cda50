"""Sockets follow what happens to their session, on every server."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import socketio
from msgspec.structs import replace as replace_struct
from prometheus_client import REGISTRY

from domain import deciding, erasure, open_sessions, reports, sessions
from domain.accounts import User
from domain.clock import utc_now
from domain.decisions import Decide
from domain.erasure import EraseMe
from domain.errors import Unauthenticated
from domain.open_sessions import EndSession
from domain.ports import Ports
from domain.reports import CreateReport
from domain.sessions import ChangePassword, EndReason, Refresh, RegisterAnonymous
from realtime import signs
from tests.engine.engine_harness import Wire
from tests.fakes.clock import FakeClock
from tests.fakes.outage import Away
from tests.realtime.conftest import DEADLINE_SECONDS, Phone, Running, StartPhone, StartServer

CLOSED_WITHIN_SECONDS = 5.0


def user_of(phone: Phone, server: Running) -> User:
    claims = server.ports.tokens.verify(phone.account.tokens.access_token, server.ports.now())
    return User(id=claims.account_id, session_id=claims.session_id)


async def ended(phone: Phone) -> str:
    code: str = (await phone.received("session:ended"))["code"]
    return code


async def logged_out(phone: Phone, user: User, ports: Ports) -> None:
    await sessions.log_out(user, ports)


async def logged_out_everywhere(phone: Phone, user: User, ports: Ports) -> None:
    await sessions.log_out_all(user, ports)


async def session_deleted(phone: Phone, user: User, ports: Ports) -> None:
    await open_sessions.end_session(EndSession(session_id=user.session_id), user, ports)


async def password_changed(phone: Phone, user: User, ports: Ports) -> None:
    await sessions.change_password(ChangePassword(new_password="a longer password"), user, ports)


async def refresh_reused(phone: Phone, user: User, ports: Ports) -> None:
    again = Refresh(refresh_token=phone.account.tokens.refresh_token)
    newest = await sessions.refresh(again, ports)
    await sessions.refresh(Refresh(refresh_token=newest.refresh_token), ports)
    with pytest.raises(Unauthenticated):
        await sessions.refresh(again, ports)


async def account_banned(phone: Phone, user: User, ports: Ports) -> None:
    """Somebody reports, a moderator decides."""
    witness, moderator = [await registered(ports) for _ in range(2)]
    await ports.records.accounts.update(moderator.id, {"role": "moderator"})
    moderator = replace_struct(moderator, role="moderator")
    report = CreateReport(target="user", target_id=user.id, reason="harassment")
    await reports.create_report(report, witness, ports)
    queue = await ports.records.cases.queue(moderator.id, ports.now(), kind=None, after=None, limit=1)
    command = Decide(case_id=queue[0].id, action="ban", reason="Threats.", days=7)
    await deciding.decide(command, moderator, ports)


async def account_erased(phone: Phone, user: User, ports: Ports) -> None:
    await erasure.erase_me(EraseMe(recovery_code=phone.account.recovery_code), user, ports)


async def registered(ports: Ports) -> User:
    answer = await sessions.register_anonymous(RegisterAnonymous(), ports)
    return await sessions.identify(answer.tokens.access_token, ports)


ENDINGS: dict[str, tuple[Callable[[Phone, User, Ports], Awaitable[None]], EndReason, str]] = {
    "logout": (logged_out, "logged_out", "logged_out"),
    "logout-all": (logged_out_everywhere, "logged_out", "logged_out"),
    "session deletion": (session_deleted, "logged_out", "logged_out"),
    "password": (password_changed, "password_changed", "logged_out"),
    "family": (refresh_reused, "reuse", "logged_out"),
    "ban": (account_banned, "banned", "banned"),
    "erasure": (account_erased, "erased", "erased"),
}
"""How sessions end, with the reason that is kept and the code that sockets hear."""


def closings(reason: EndReason, within: str) -> float:
    """Closed sockets of this reason, by the metric, that were closed within so many seconds."""
    labels = {"reason": reason, "le": within}
    return REGISTRY.get_sample_value("session_end_to_close_seconds_bucket", labels) or 0.0


@pytest.mark.parametrize("how", ENDINGS)
async def test_the_end_of_a_session_ends_its_sockets_on_every_server_within_five_seconds(
    how: str, start_server: StartServer, start_phone: StartPhone
) -> None:
    """As it is configured by default: `session_check_seconds` is 2."""
    usual = {"refresh_grace_seconds": 0, "session_check_seconds": 2.0}
    one, other = await start_server(**usual), await start_server(**usual)
    phone, neighbour = await start_phone(one), await start_phone(one)
    tablet = Phone(phone.account)
    await tablet.connect(other.url)
    end, reason, code = ENDINGS[how]
    before = closings(reason, "5.0")
    await end(phone, user_of(phone, one), one.ports)
    async with asyncio.timeout(CLOSED_WITHIN_SECONDS):
        assert [await ended(phone), await ended(tablet)] == [code, code]
    assert closings(reason, "5.0") == before + 2
    assert (await neighbour.ok("resume", positions={})) == {}
    with pytest.raises(socketio.exceptions.ConnectionError):
        await Phone(phone.account).connect(other.url)
    await tablet.close()


async def test_an_expired_token_ends_the_socket_and_a_renewed_one_does_not(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    clock = FakeClock(utc_now())
    server = await start_server(now=clock)
    lapsing, renewing = await start_phone(server), await start_phone(server)
    user = user_of(renewing, server)
    later = server.ports.tokens.issue(user.id, user.session_id, server.ports.now() + timedelta(hours=1))
    await renewing.ok("auth:renew", token=later)
    clock.advance(seconds=server.ports.settings.access_token_seconds)
    assert await ended(lapsing) == "token_expired"
    assert (await renewing.ok("resume", positions={})) == {}


async def test_a_session_shows_the_phone_it_is_used_on(server: Running, start_phone: StartPhone) -> None:
    phone = await start_phone(server, connect=False)
    await phone.connect(server.url, device={"platform": "ios", "app_version": "2.1"})
    user = user_of(phone, server)
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            (shown,) = (await open_sessions.my_sessions(user, server.ports)).items
            if shown.platform is not None:
                break
    assert (shown.platform, shown.app_version, shown.current) == ("ios", "2.1", True)


async def test_a_sixth_device_is_told_to_come_later(server: Running, start_phone: StartPhone) -> None:
    phone = await start_phone(server)
    more = [Phone(phone.account) for _ in range(server.ports.settings.sockets_per_account)]
    for device in more[:-1]:
        await device.connect(server.url)
    refusals: list[dict[str, object]] = []
    more[-1].client.on("connect_error", refusals.append)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await more[-1].connect(server.url)
    assert refusals[0]["code"] == "unavailable"
    assert refusals[0]["retry_after"]
    for device in more:
        await device.close()


async def refused_code(device: Phone, url: str) -> str:
    """The code with which a connect is refused."""
    refusals: list[dict[str, str]] = []
    device.client.on("connect_error", refusals.append)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await device.connect(url)
    return refusals[-1]["code"]


async def let_in(device: Phone, url: str) -> None:
    """As a phone does that is told to come later."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            try:
                token = token_of(device)
                return await device.client.connect(url, auth=token, wait_timeout=DEADLINE_SECONDS)
            except socketio.exceptions.ConnectionError:
                await asyncio.sleep(0.05)


def token_of(device: Phone) -> dict[str, str]:
    return {"token": device.account.tokens.access_token}


async def test_sockets_of_an_account_are_counted_over_all_servers(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    servers = [await start_server(sockets_per_account=3) for _ in range(2)]
    phone = await start_phone(servers[0])
    devices = [Phone(phone.account) for _ in range(3)]
    await devices[0].connect(servers[1].url)
    await devices[1].connect(servers[1].url)
    for server in servers:
        assert await refused_code(Phone(phone.account), server.url) == "unavailable"
    await phone.close()
    await let_in(devices[2], servers[1].url)
    neighbour = await start_phone(servers[0])
    assert (await neighbour.ok("resume", positions={})) == {}
    for device in devices:
        await device.close()


async def test_a_socket_that_comes_back_at_once_takes_its_own_place(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    server = await start_server(sockets_per_account=1)
    phone = await start_phone(server)
    for _ in range(3):
        await phone.close()
        await until_gone(server, phone)
        await phone.connect(server.url)


async def test_a_socket_that_nobody_hears_of_gives_way_and_one_that_answers_does_not(
    start_server: StartServer, start_phone: StartPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A phone that changed networks leaves a socket behind, here on another server."""
    monkeypatch.setattr(signs, "SIGN_SECONDS", 0.1)
    one, other = [await start_server(sockets_per_account=2) for _ in range(2)]
    for server in (one, other):
        server.realtime.engine.ping_interval = 3600
    phone, again = await start_phone(one), Phone((await start_phone(one, connect=False)).account)
    again.account = phone.account
    async with Wire(other.url) as left_behind:
        await left_behind.connect("40" + json.dumps(token_of(phone)))
        assert await refused_code(Phone(phone.account), one.url) == "unavailable"
        await let_in(again, one.url)
    assert (await phone.ok("resume", positions={})) == {}
    await again.close()


async def until_gone(server: Running, phone: Phone) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while server.realtime.sessions.count(phone.id):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_without_redis_each_server_counts_alone(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    server = await start_server(sockets_per_account=2)
    away: Any = Away()
    server.realtime.leases._ports = replace(server.ports, leases=away)
    phone = await start_phone(server)
    second = Phone(phone.account)
    await second.connect(server.url)
    assert await refused_code(Phone(phone.account), server.url) == "unavailable"
    server.realtime.leases._ports = server.ports
    await second.close()


async def test_who_leaves_a_circle_hears_no_more_of_its_open_threads(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    one, other = await start_server(), await start_server()
    owner, member = await start_phone(one), await start_phone(one)
    tablet = Phone(member.account)
    await tablet.connect(other.url)
    circle_id = (await owner.ok("circle:create", name="Night watch"))["circle"]["id"]
    await member.ok("circle:join", circle_id=circle_id)
    made = await owner.ok(
        "post:create",
        client_id="circle-thread-1",
        type="question",
        content="Between us.",
        circle_id=circle_id,
        visibility="circle",
    )
    post_id = made["post"]["id"]
    for phone in (owner, member, tablet):
        await phone.ok("post:open", post_id=post_id)
    await member.ok("circle:leave", circle_id=circle_id)
    for server in (one, other):
        clients = server.realtime.sessions.of_account(member.id)
        async with asyncio.timeout(DEADLINE_SECONDS):
            while any(server.realtime.rooms.threads_of(client) for client in clients):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    await owner.ok("support:respond", client_id="circle-answer-1", post_id=post_id, content="Only for us.")
    await owner.received("response:new")
    assert not member.all("response:new")
    assert not tablet.all("response:new")
    await tablet.close()
