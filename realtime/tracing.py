"""Socket events as spans: one for each event, named for it; none for the socket itself."""

import msgspec

from realtime.actor import Actors
from realtime.client import Client
from telemetry.tracing import span


class Refused(msgspec.Struct):
    """The part of an ack's error that a span may carry."""

    code: str


class Ack(msgspec.Struct):
    ok: bool
    error: Refused | None = None


async def traced(actors: Actors, client: Client, event: str, arguments: bytes) -> bytes:
    """As `actors.receive`; an event that we do not know is called so: its name is a stranger's text."""
    known = event if actors.knows(event) else "unknown"
    with span(known, "server", account_id=client.user.id) as told:
        answer = await actors.receive(client, event, arguments)
        ack = msgspec.json.decode(answer, type=Ack)
        told.note(outcome=ack.error.code if ack.error else "ok")
        if ack.error and ack.error.code in {"internal", "unavailable"}:
            told.fail(ack.error.code)
        return answer
