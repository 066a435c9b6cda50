"""Every id of every event and route, asked for by a stranger: nothing is there, and nothing changes.

The tables are checked against the events and the routes themselves: a new one without an entry fails here.
"""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import asyncpg
import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from motor.motor_asyncio import AsyncIOMotorClient

from api.app import build_app
from api.route import Route
from api.routes import ROUTES
from domain import sessions
from domain.accounts import User
from domain.sessions import RegisterAnonymous
from tests.realtime.conftest import Phone, Running, StartPhone, StartServer
from tests.realtime.estate import CANARY, Estate, People, add_case, settled

EVENTS: dict[str, list[dict[str, Any]]] = {
    "post:open": [{"post_id": "<post>"}],
    "post:edit_urgency": [{"post_id": "<post>", "urgency": 1}],
    "post:edit_warning": [{"post_id": "<post>", "content_warning": "relapse"}],
    "post:close": [{"post_id": "<post>"}],
    "post:delete": [{"post_id": "<post>"}],
    "post:create": [
        {
            "client_id": "stranger-post",
            "type": kind,
            "content": "Hello?",
            "circle_id": "<circle>",
            "visibility": sight,
        }
        for kind in ("check_in", "sos")
        for sight in ("circle", "public", "private")
    ],
    "support:quick": [{"post_id": "<post>", "kind": "stay_strong"}],
    "support:undo": [{"post_id": "<post>", "kind": "stay_strong"}],
    "support:respond": [{"client_id": "stranger-answer", "post_id": "<post>", "content": "I am here."}],
    "support:thank": [{"response_id": "<response>"}],
    "response:delete": [{"response_id": "<response>"}],
    "typing:start": [{"post_id": "<post>"}],
    "typing:stop": [{"post_id": "<post>"}],
    "checkin:record": [{"tracker_id": "<tracker>"}],
    "craving:record": [{"tracker_id": "<tracker>", "intensity": 3}],
    "slip:record": [{"tracker_id": "<tracker>"}],
    "circle:edit": [{"circle_id": "<circle>", "name": "Mine now"}],
    "circle:join": [{"circle_id": "<circle>"}],
    "circle:leave": [{"circle_id": "<circle>"}],
    "circle:invite": [{"circle_id": "<circle>"}, {"circle_id": "<circle>", "user_id": "<member>"}],
    "circle:accept": [{"invitation_id": "<invitation>"}],
    "circle:remove_member": [{"circle_id": "<circle>", "user_id": "<member>"}],
    "circle:set_role": [{"circle_id": "<circle>", "user_id": "<member>", "role": "owner"}],
    "report:create": [
        {"target": target, "target_id": f"<{target}>", "reason": reason}
        for target in ("post", "response", "circle")
        for reason in ("spam", "worried")
    ],
}
"""What a stranger sends; `<kind>` stands for each id of that kind that they may not see."""

NOT_ASKED = {
    "post:leave": "leaving what one does not hear changes nothing",
    "resume": "leaves out what one may not hear; see below",
    "auth:renew": "names no id",
    "circle:create": "names no id",
    "presence:set": "names no id",
    "block:add": "anybody may block anybody",
    "block:remove": "anybody may block anybody",
}

BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/v1/moderation/{case_id}/decide"): {"action": "ban", "reason": "because", "days": 7},
    ("POST", "/v1/moderation/roles"): {"account_id": "<member>", "role": "admin"},
    ("POST", "/v1/me/notifications/read"): {"ids": ["<notification>"]},
    ("DELETE", "/v1/me"): {"current_password": "not the password"},
}
"""What a route is sent beside the ids in its address."""

ANSWERS: dict[tuple[str, str], set[int]] = {
    ("POST", "/v1/me/notifications/read"): {200},
    ("DELETE", "/v1/me"): {403},
}
"""Where a stranger is answered something else than 404, or 403 from what is for moderators."""

ROOMS = ("user:<member>", "circle:<circle>", "post:<post>")
IDS_IN_BODIES = {("POST", "/v1/moderation/roles"), ("POST", "/v1/me/notifications/read")}
LISTS = [route for route in ROUTES if route.method == "GET" and "{" not in route.path and not route.public]
ASKED = [
    route
    for route in ROUTES
    if not route.public and ("{" in route.path or (route.method, route.path) in IDS_IN_BODIES)
]
OWN = {"post_id", "circle_id", "case_id", "user_id", "account_id", "response_id", "ids", "until_id", "room"}


class Scene(NamedTuple):
    server: Running
    stranger: Phone
    estate: Estate
    rest: TestClient[Any, Any]

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {self.stranger.account.tokens.access_token}"}
        async with self.rest.request(method, path, json=body, headers=headers) as response:
            return response.status, (await response.read()).decode(errors="replace")


@pytest.fixture
async def scene(start_server: StartServer, start_phone: StartPhone) -> AsyncIterator[Scene]:
    server = await start_server(requests_per_minute=10_000, events_per_minute=10_000)
    phone = await start_phone(server, connect=False)
    people = People(*[await somebody(server) for _ in range(3)], await behind(phone.account, server))
    estate = await settled(people, server.ports)
    await add_case(estate, people.friend, server.ports)
    await phone.connect(server.url)
    async with TestClient(TestServer(build_app(server.ports))) as rest:
        yield Scene(server, phone, estate, rest)


async def somebody(server: Running) -> User:
    return await behind(await sessions.register_anonymous(RegisterAnonymous(), server.ports), server)


async def behind(account: Any, server: Running) -> User:
    return await sessions.identify(account.tokens.access_token, server.ports)


def filled(template: Any, estate: Estate) -> list[Any]:
    """The template once for each id of the kinds that it names."""
    text = msgspec.json.encode(template).decode()
    kinds = [kind for kind in estate.ids if f"<{kind}>" in text]
    made = [text]
    for kind in kinds:
        made = [one.replace(f"<{kind}>", id) for one in made for id in estate.ids[kind]]
    return [msgspec.json.decode(one) for one in made]


async def stored(server: Running) -> dict[str, Any]:
    """Everything that both stores of record hold, but for what asking itself leaves behind."""
    await server.ports.announcer.drain()
    settings = server.ports.settings
    rows = await asyncpg.connect(settings.postgres_url)
    names = await rows.fetch("select tablename from pg_tables where schemaname = 'public'")
    held: dict[str, Any] = {
        name: sorted(row[0] for row in await rows.fetch(f'select t::text from "{name}" t'))  # noqa: S608
        for (name,) in names
        if name not in {"sessions", "socket_leases"}
    }
    await rows.close()
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(settings.mongodb_uri)
    database = client[settings.mongodb_database]
    for name in await database.list_collection_names():
        held[name] = sorted([repr(document) async for document in database[name].find()])
    client.close()
    return held


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [name for name in before | after if before.get(name) != after.get(name)]


async def test_every_event_of_a_stranger_finds_nothing_and_changes_nothing(scene: Scene) -> None:
    before = await stored(scene.server)
    answered = {}
    for event, templates in EVENTS.items():
        for data in (data for template in templates for data in filled(template, scene.estate)):
            ack = await scene.stranger.send(event, data)
            answered[event, repr(data)] = ack["error"]["code"] if not ack["ok"] else "ok"
    assert {asked: code for asked, code in answered.items() if code != "not_found"} == {}
    assert changed(before, await stored(scene.server)) == []
    heard = repr(scene.stranger.heard)
    assert CANARY not in heard


def test_every_event_is_asked_or_said_why_not(server: Running) -> None:
    assert sorted({*EVENTS, *NOT_ASKED}) == server.realtime.actors.commands
    assert not EVENTS.keys() & NOT_ASKED.keys()


async def test_a_stranger_resumes_none_of_the_rooms_of_others(scene: Scene) -> None:
    positions = {
        room: {"epoch": "", "seq": 0} for template in ROOMS for room in filled(template, scene.estate)
    }
    assert await scene.stranger.ok("resume", positions=positions) == {}
    again = Phone(scene.stranger.account)
    ready = await again.connect(scene.server.url, positions=positions)
    assert set(ready["rooms"]) == {"feed", f"user:{scene.stranger.id}"}
    await again.close()


def addressed(route: Route, estate: Estate) -> list[tuple[str, Any]]:
    """Path and body of every request to a route with ids that are not the stranger's."""
    body = BODIES.get((route.method, route.path))
    paths = [route.path.replace("{room}", room) for room in ROOMS]
    for name, kind in (
        *(("post_id", "post"), ("circle_id", "circle"), ("invitation_id", "invitation")),
        *(("session_id", "session"), ("device_id", "device"), ("user_id", "member")),
        *(("case_id", "case"), ("voice_note_id", "voice_note")),
    ):
        paths = [path.replace(f"{{{name}}}", f"<{kind}>") for path in paths]
    return [tuple(one) for path in dict.fromkeys(paths) for one in filled([path, body], estate)]


async def test_every_route_with_an_id_finds_nothing_and_changes_nothing(scene: Scene) -> None:
    before = await stored(scene.server)
    wrong = {}
    for route in ASKED:
        usual = {403} if route.path.startswith("/v1/moderation/") else {404}
        for path, body in addressed(route, scene.estate):
            assert "{" not in path, "an id of a kind that is not in this table"
            status, text = await scene.ask(route.method, path, body)
            expected = ANSWERS.get((route.method, route.path), usual)
            if status not in expected or CANARY in text:
                wrong[route.method, path] = status, text
    assert wrong == {}
    assert changed(before, await stored(scene.server)) == []


async def test_no_list_tells_a_stranger_of_anything_hidden(scene: Scene) -> None:
    hidden = {id for kind, ids in scene.estate.ids.items() if kind != "member" for id in ids}
    queries = ["", f"?circle={scene.estate.ids['circle'][0]}"]
    for route in LISTS:
        for query in queries if route.path == "/v1/feed" else queries[:1]:
            status, text = await scene.ask("GET", route.path + query)
            assert status == (403 if route.path.startswith("/v1/moderation/") else 200), route.path
            assert CANARY not in text, route.path
            assert not [id for id in hidden if id in text], route.path


def test_every_field_that_holds_an_id_is_in_the_table() -> None:
    asked = {(route.method, route.path) for route in ASKED}
    for route in ROUTES:
        named = OWN & set(route.command.__struct_fields__)
        listed = route.method == "GET" and "{" not in route.path
        if named and not route.public and not listed:
            assert (route.method, route.path) in asked, route.path
