"""A whole SOS ladder over real stores, by the rows of the jobs and a clock that the test moves."""

from datetime import timedelta
from typing import Any

import msgspec
from prometheus_client import REGISTRY

from domain import devices, helping, presence
from domain.accounts import User
from domain.devices import RegisterDevice
from domain.followups import AFTER
from domain.helping import EditHelping
from domain.ladder import STEPS
from domain.presence import SetPresence
from domain.rooms import post_room, user_room
from tests.workers.stage import Stage
from workers.waiting import show_waiting

TOKEN = "ab" * 32


async def told(stage: Stage, room: str, event: str) -> list[Any]:
    log = await stage.ports.rooms.read(room, 0, 1000)
    return [msgspec.json.decode(one.body)["data"] for one in log.events if one.event == event]


async def notified(stage: Stage, user: User, kind: str) -> int:
    news = await told(stage, user_room(user.id), "notification:new")
    return sum(one["notification"]["kind"] == kind for one in news)


async def pass_time(stage: Stage, until: timedelta, helper: User) -> None:
    stage.clock.time += until
    await stage.ports.presence.touch([helper.id])
    while await stage.work():
        pass


async def test_an_sos_climbs_until_somebody_answers_and_is_followed_up(stage: Stage) -> None:
    author, helper, far = [await stage.person() for _ in range(3)]
    moderator = await stage.person(role="moderator")
    await stage.ports.presence.touch([helper.id])
    await presence.set_presence(SetPresence(status="helping"), helper, stage.ports)
    await helping.edit_helping(EditHelping(opted_in=True), far, stage.ports)
    await devices.register_device(RegisterDevice(platform="ios", token=TOKEN), far, stage.ports)
    post = await stage.post(author, "I am about to drink.", type="sos", categories=["alcohol"])

    passed, heard, pushed = timedelta(), [], []
    for step in STEPS:
        await pass_time(stage, step.after - passed, helper)
        passed = step.after
        heard.append([await notified(stage, one, "sos") for one in (helper, far, moderator)])
        pushed.append([address.token for address, _ in stage.push.sent])
    assert heard == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert pushed == [[], [TOKEN], [TOKEN]]

    before = answers_observed()
    await stage.answer(helper, post)
    for _ in range(2):
        while await stage.work():
            pass
    assert answers_observed() == before + 1
    told_of = [(one["state"], one["to"]) for one in await told(stage, post_room(post.id), "sos:attention")]
    steps = [("widened", step.to) for step in STEPS]
    assert told_of == [*steps, ("answered", None)]
    assert await stage.ports.records.ladders.first_answers(helper.id) == 1

    followed = []
    for after in AFTER:
        await pass_time(stage, after - passed, helper)
        passed = after
        followed.append(await notified(stage, author, "follow_up"))
    assert followed == [1, 2, 3]
    assert [await notified(stage, one, "sos") for one in (helper, far, moderator)] == [1, 1, 1]


def answers_observed() -> float:
    labels = {"category": "alcohol"}
    return REGISTRY.get_sample_value("sos_first_response_seconds_count", labels) or 0.0


async def test_what_nobody_answers_is_there_for_an_alert(stage: Stage) -> None:
    author, other = await stage.person(), await stage.person()
    old = await stage.post(author, type="sos")
    stage.clock.time += timedelta(minutes=10)
    await stage.post(author, type="sos")
    await show_waiting(stage.ports)
    assert waiting() == (2, 600)
    await stage.answer(other, old)
    await show_waiting(stage.ports)
    assert waiting() == (1, 0)


def waiting() -> tuple[float | None, float | None]:
    """How many, and for how many seconds the oldest."""
    oldest = REGISTRY.get_sample_value("sos_waiting_oldest_seconds")
    return REGISTRY.get_sample_value("sos_waiting"), oldest and round(oldest)
