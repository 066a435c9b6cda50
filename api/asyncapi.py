"""The AsyncAPI 3.0 document of the socket events, from a table that the entry point passes in."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from api.errors import Problem
from api.openapi import Document, schema, schemas

CHANNEL = "socket"
MESSAGES = f"#/channels/{CHANNEL}/messages"


class Exchange(NamedTuple):
    """A client event: what it carries, and what its acknowledgement carries as `data` (None for nothing)."""

    command: Any
    answer: Any = None


class SocketContract(NamedTuple):
    """Client events by name, and server events by name with the type of their `data`.

    Those of `bare` are told in no room, as they are. Those of `passing` have no place in any log.
    """

    commands: Mapping[str, Exchange]
    events: Mapping[str, Any]
    bare: frozenset[str] = frozenset()
    passing: frozenset[str] = frozenset()


class Logged(msgspec.Struct, frozen=True):
    """What every event carries that is told in a room: where it stands in the room's log, and its `data`."""

    room: str
    seq: int
    epoch: str
    event_id: str
    at: str


class Passing(msgspec.Struct, frozen=True):
    """What an event carries that is told in a room and kept nowhere."""

    room: str
    at: str


def asyncapi_document(contract: SocketContract) -> Document:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Anonymous Support: events",
            "version": "1",
            "description": "Socket.IO 5, path /socket.io/. Every client event is acknowledged.",
        },
        "channels": {CHANNEL: {"address": "/socket.io/", "messages": messages(contract)}},
        "operations": operations(contract),
        "components": {"schemas": schemas(types_of(contract))},
    }


def types_of(contract: SocketContract) -> list[Any]:
    asked = [type_ for exchange in contract.commands.values() for type_ in exchange]
    told = (*contract.events.values(), Problem, Logged, Passing)
    types = [type_ for type_ in (*asked, *told) if type_ not in (None, type(None))]
    return [type_ for index, type_ in enumerate(types) if type_ not in types[:index]]


def messages(contract: SocketContract) -> Document:
    found: Document = {}
    for event, exchange in contract.commands.items():
        found[name_of(event)] = message(event, exchange.command)
        found[name_of(event) + "_ack"] = {"name": f"{event} (ack)", "payload": ack(exchange.answer)}
    for event, data in contract.events.items():
        found[name_of(event)] = {"name": event, "payload": told(event, data, contract)}
    return found


def told(event: str, data: Any, contract: SocketContract) -> Document:
    """`data` in its envelope, but for an event that comes without one."""
    if event in contract.bare:
        return payload(data)
    around = schema(Passing if event in contract.passing else Logged)
    carried = {"type": "object", "properties": {"data": payload(data)}, "required": ["data"]}
    return {"allOf": [around, carried]}


def message(event: str, carried: Any) -> Document:
    return {"name": event, "payload": payload(carried)}


def payload(carried: Any) -> Document:
    return {"type": "null"} if carried in (None, type(None)) else schema(carried)


def ack(answer: Any) -> Document:
    """`{ok: true, data}` or `{ok: false, error}`; a refusal may carry the `crisis` of its data."""
    return {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}, "data": payload(answer), "error": schema(Problem)},
        "required": ["ok"],
    }


def operations(contract: SocketContract) -> Document:
    """`receive` is what the server takes, `send` what it tells, as AsyncAPI sees it from the server."""
    taken = {name_of(event): receive(name_of(event)) for event in contract.commands}
    told = {name_of(event): operation("send", name_of(event)) for event in contract.events}
    return taken | told


def receive(name: str) -> Document:
    reply = {"messages": [{"$ref": f"{MESSAGES}/{name}_ack"}]}
    return {**operation("receive", name), "reply": reply}


def operation(action: str, name: str) -> Document:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{CHANNEL}"},
        "messages": [{"$ref": f"{MESSAGES}/{name}"}],
    }


def name_of(event: str) -> str:
    """Keys of the document may hold no colon."""
    return event.replace(":", "_")
