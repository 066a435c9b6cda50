"""The choke point of socket events: decodes, limits, times, calls, and always answers.

A connection is a mailbox (the engine hands over one event at a time, in order), an actor is a class whose
methods are marked with `on`, and only what is marked can be reached.
"""

import json
import math
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, NamedTuple, TypeVar

import msgspec
import structlog

from domain.decoding import decoded
from domain.errors import DomainError, Invalid, RateLimited, TooLarge, Unavailable
from domain.settings import Settings
from domain.wire import Command
from realtime.client import Client
from realtime.deadline import within
from realtime.metrics import EVENTS, Tally

log = structlog.get_logger(__name__)

C = TypeVar("C", bound=Command)
Method = Callable[[Any, Client, C], Awaitable[object]]
Consolation = Callable[[C, Client], dict[str, object] | None]
"""What a refusal carries as `data` all the same, from memory alone."""
OVERHEARD_CHARACTERS = 5_000
"""Of each text that is refused, those in which a cry for help is looked for."""

encode = msgspec.json.Encoder().encode


class Handler(NamedTuple):
    event: str
    decoder: "msgspec.json.Decoder[Any]"
    call: Callable[[Client, Any], Coroutine[Any, Any, object]]
    console: Consolation[Any] | None
    tally: Tally


class Mark(NamedTuple):
    event: str
    command: type[Command]
    console: Consolation[Any] | None


def on(
    event: str, command: type[C], *, console: Consolation[C] | None = None
) -> Callable[[Method[C]], Method[C]]:
    """Makes a method the handler of `event`; `command` says what the event carries."""

    def mark(method: Method[C]) -> Method[C]:
        method.handles = Mark(event, command, console)  # type: ignore[attr-defined]
        return method

    return mark


class Overheard(NamedTuple):
    """What a command says that cannot be decoded, as far as help depends on it."""

    type: str
    content: str
    name: str
    description: str
    note: str


class Ack(msgspec.Struct, omit_defaults=True):
    ok: bool
    data: object = None
    error: dict[str, object] | None = None


class Actors:
    """All handlers by event name. `end(client, code)` ends the connection of somebody who floods."""

    def __init__(
        self, actors: Iterable[object], settings: Settings, *, end: Callable[[Client, str], None]
    ) -> None:
        self._end = end
        self._payload_bytes_max = settings.payload_bytes_max
        self._events_per_minute = settings.events_per_minute
        self._timeout_seconds = settings.handler_timeout_seconds
        self._handlers = {handler.event: handler for actor in actors for handler in handlers_of(actor)}
        self._unknown = EVENTS.tally("unknown")

    @property
    def commands(self) -> list[str]:
        return sorted(self._handlers)

    def knows(self, event: str) -> bool:
        return event in self._handlers

    async def receive(self, client: Client, event: str, arguments: bytes) -> bytes:
        """Handles one event; returns the JSON of its ack, whatever happened."""
        started = time.monotonic()
        handler = self._handlers.get(event)
        wait_seconds = client.budget.wait_seconds(1, started)
        if wait_seconds:
            self._end_flood(client)
        if handler is None:
            self._unknown.count("invalid", 0.0)
            return refusal(Invalid("There is no such event.", field="event"))
        command: Any = None
        outcome = "ok"
        try:
            if len(arguments) > self._payload_bytes_max:
                raise TooLarge
            # Who has to wait may need help all the same: what console says depends on the command.
            if not wait_seconds or handler.console:
                command = decoded(handler.decoder, arguments)
            if wait_seconds:
                raise RateLimited(retry_after=math.ceil(wait_seconds))
            data = await within(self._timeout_seconds, handler.call(client, command))
            return encode(Ack(ok=True, data=data))
        except Exception as error:  # noqa: BLE001  (an event is always answered)
            refused = refusal_for(error, handler, client)
            outcome = refused.code
            return refusal(refused, consolation(handler, command or overheard(handler, arguments), client))
        finally:
            handler.tally.count(outcome, time.monotonic() - started)

    def _end_flood(self, client: Client) -> None:
        """Who goes on for as long again as they may is disconnected."""
        if client.budget.refused > self._events_per_minute:
            self._end(client, "rate_limited")


def refusal_for(error: Exception, handler: Handler, client: Client) -> DomainError:
    """Our own refusals as they are; a time-out may be over soon; everything else is our mistake."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, TimeoutError):
        return Unavailable(retry_after=1)
    log.error("event.failed", event_name=handler.event, account_id=client.user.id, exc_info=error)
    return DomainError()


def consolation(handler: Handler, command: Any, client: Client) -> dict[str, object] | None:
    return handler.console(command, client) if handler.console and command is not None else None


def overheard(handler: Handler, arguments: bytes) -> Overheard | None:
    """None where nobody listens. A cry for help may be too long, or end in half an emoji: it is heard."""
    if handler.console is None:
        return None
    try:
        said = json.loads(arguments)
    except (ValueError, RecursionError):
        return None
    fields = said if isinstance(said, dict) else {}
    return Overheard(*(_text(fields.get(name)) for name in Overheard._fields))


def _text(value: object) -> str:
    """Without halves of characters, which no model can read."""
    text = value[:OVERHEARD_CHARACTERS] if isinstance(value, str) else ""
    return text.encode(errors="replace").decode()


def handlers_of(actor: object) -> list[Handler]:
    return [
        Handler(
            mark.event,
            msgspec.json.Decoder(mark.command),
            method,
            mark.console,
            EVENTS.tally(mark.event),
        )
        for mark, method in marked_methods(actor)
    ]


def marked_methods(actor: object) -> list[tuple[Mark, Any]]:
    """The methods of an actor that clients can reach, with what `on` said of them."""
    methods = (getattr(actor, name) for name in dir(type(actor)) if not name.startswith("_"))
    return [(method.handles, method) for method in methods if hasattr(method, "handles")]


def refusal(error: DomainError, data: object = None) -> bytes:
    return encode(Ack(ok=False, data=data, error=error.as_dict()))
