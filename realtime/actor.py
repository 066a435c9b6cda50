"""The choke point of socket events: decodes, limits, times, calls, and always answers.

A connection is a mailbox (the engine hands over one event at a time, in order), an actor is a class whose
methods are marked with `on`, and only what is marked can be reached.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple, TypeVar

import msgspec
import structlog

from domain.decoding import decoded
from domain.errors import DomainError, Invalid, RateLimited, Unavailable
from domain.settings import Settings
from domain.wire import Command
from realtime.client import Client
from realtime.metrics import EVENT_SECONDS, EVENTS

log = structlog.get_logger(__name__)

C = TypeVar("C", bound=Command)
Method = Callable[[Any, Client, C], Awaitable[object]]
Consolation = Callable[[C, Client], dict[str, object] | None]
"""What a refusal carries as `data` all the same, from memory alone."""

encode = msgspec.json.Encoder().encode


class Handler(NamedTuple):
    event: str
    decoder: "msgspec.json.Decoder[Any]"
    call: Callable[[Client, Any], Awaitable[object]]
    console: Consolation[Any] | None


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


class Ack(msgspec.Struct, omit_defaults=True):
    ok: bool
    data: object = None
    error: dict[str, object] | None = None


class Actors:
    """All handlers by event name."""

    def __init__(self, actors: Iterable[object], settings: Settings) -> None:
        self._settings = settings
        self._handlers = {handler.event: handler for actor in actors for handler in handlers_of(actor)}

    @property
    def commands(self) -> list[str]:
        return sorted(self._handlers)

    async def receive(self, client: Client, event: str, arguments: bytes) -> bytes:
        """Handles one event; returns the JSON of its ack, whatever happened."""
        started = time.perf_counter()
        handler = self._handlers.get(event)
        if handler is None:
            EVENTS.labels("unknown", "invalid").inc()
            return refusal(Invalid("There is no such event.", field="event"))
        ack, outcome = await self._answered(handler, client, arguments)
        EVENTS.labels(event, outcome).inc()
        EVENT_SECONDS.labels(event).observe(time.perf_counter() - started)
        return ack

    async def _answered(self, handler: Handler, client: Client, arguments: bytes) -> tuple[bytes, str]:
        command: Any = None
        try:
            self._admit(client, arguments)
            command = decoded(handler.decoder, arguments)
            async with asyncio.timeout(self._settings.handler_timeout_seconds):
                data = await handler.call(client, command)
            return encode(Ack(ok=True, data=data)), "ok"
        except DomainError as error:
            return self._refused(error, handler, client, command)
        except TimeoutError:
            return self._refused(Unavailable(retry_after=1), handler, client, command)
        except Exception:
            log.exception("event.failed", event_name=handler.event, account_id=client.user.id)
            return self._refused(DomainError(), handler, client, command)

    def _admit(self, client: Client, arguments: bytes) -> None:
        if len(arguments) > self._settings.payload_bytes_max:
            raise Invalid("That is larger than we accept.")
        if (wait := client.wait_seconds(self._settings.events_per_minute)) > 0:
            raise RateLimited(retry_after=math.ceil(wait))

    def _refused(
        self, error: DomainError, handler: Handler, client: Client, command: Any
    ) -> tuple[bytes, str]:
        consolation = handler.console(command, client) if handler.console and command else None
        return refusal(error, consolation), error.code


def handlers_of(actor: object) -> list[Handler]:
    return [
        Handler(mark.event, msgspec.json.Decoder(mark.command), method, mark.console)
        for mark, method in marked_methods(actor)
    ]


def marked_methods(actor: object) -> list[tuple[Mark, Any]]:
    """The methods of an actor that clients can reach, with what `on` said of them."""
    methods = (getattr(actor, name) for name in dir(type(actor)) if not name.startswith("_"))
    return [(method.handles, method) for method in methods if hasattr(method, "handles")]


def refusal(error: DomainError, data: object = None) -> bytes:
    return encode(Ack(ok=False, data=data, error=error.as_dict()))
