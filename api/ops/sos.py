"""The SOS that nobody has answered yet, and how long the others waited; never a word of them."""

from datetime import timedelta

from domain import ladder
from domain.clock import rfc3339
from domain.ladder import Waiting
from domain.ports import Ports
from domain.wire import View

SHOWN_MAX = 100
LOOKED_BACK = timedelta(hours=24)
AUDIENCES = {0: "nobody yet", **{step.number: step.to.replace("_", "-") for step in ladder.STEPS}}


class OpenSos(View, frozen=True):
    """`asked_of`: the last audience it was taken to. `here`: who was asked and has not left."""

    post_id: str
    category: str
    in_circle: bool
    started_at: str
    step: int
    asked_of: str
    asked: int
    here: int
    seen: int


class SosState(View, frozen=True):
    """`open` holds the oldest `SHOWN_MAX`; the rest is of the last 24 h.

    Half of those that were answered, and nine in ten of them, were so within so many seconds.
    """

    open: list[OpenSos]
    answered: int
    half_seconds: float | None
    most_seconds: float | None
    unanswered: int


async def sos_state(ports: Ports) -> SosState:
    waiting = await ports.records.ladders.waiting(SHOWN_MAX)
    times = await ports.records.ladders.answer_times(ports.now() - LOOKED_BACK)
    return SosState(
        open=[open_sos(one) for one in waiting],
        answered=times.answered,
        half_seconds=times.half_seconds,
        most_seconds=times.most_seconds,
        unanswered=times.unanswered,
    )


def open_sos(waiting: Waiting) -> OpenSos:
    """A category that somebody made up is not shown: it may say more than a category."""
    return OpenSos(
        post_id=waiting.post_id,
        category=ladder.category_of(waiting.categories),
        in_circle=waiting.in_circle,
        started_at=rfc3339(waiting.started_at),
        step=waiting.step,
        asked_of=AUDIENCES[waiting.step],
        asked=waiting.asked,
        here=waiting.asked - waiting.left,
        seen=waiting.seen,
    )
