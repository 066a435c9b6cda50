"""The OpenAPI 3.1 document, from the routes and the structs they name."""

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from api import pack
from api.download import Download
from api.errors import Refusal
from api.health import Alive, HealthReport
from api.route import LOGINS, Route
from domain.errors import HTTP_STATUS
from domain.sessions import Refresh

Document = dict[str, Any]

REFERENCE = "#/components/schemas/{name}"
JSON = "application/json"
PART: Document = {"name": "Range", "in": "header", "required": False, "schema": {"type": "string"}}
IN_PATH = re.compile(r"\{(\w+)\}")
OPERATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "/health": (
        "Every store with its answering time, every check.",
        {"200": HealthReport, "503": HealthReport},
    ),
    "/health/live": ("200 as long as the process can answer at all.", {"200": Alive}),
    "/health/accepting": (
        "200 until this process drains, whatever its stores do.",
        {"200": Alive, "503": Alive},
    ),
    "/health/ready": ("200 when this process may take traffic.", {"200": HealthReport, "503": HealthReport}),
}


def openapi_document(routes: Sequence[Route]) -> Document:
    paths: Document = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = operation(route)
    for path, (summary, answers) in OPERATIONS.items():
        paths[path] = {"get": operation_of_health(path, summary, answers)}
    paths[pack.PATH] = {"get": operation_of_pack()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Anonymous Support",
            "version": "1",
            "description": "Peer support in recovery, without names.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas(types_of(routes)),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def types_of(routes: Iterable[Route]) -> list[Any]:
    """Every type that a body or an answer of these routes is made of, once."""
    types: list[Any] = [Refusal, HealthReport, Alive]
    for route in routes:
        types += [route.command] if route.has_body else []
        types += [route.answer] if route.answer not in {type(None), Download} else []
    return list(dict.fromkeys(types))


def schemas(types: Iterable[Any]) -> Document:
    return msgspec.json.schema_components(types, ref_template=REFERENCE)[1]


def schema(type_: Any) -> Document:
    """A reference into the components."""
    (reference,), _ = msgspec.json.schema_components([type_], ref_template=REFERENCE)
    return reference


def operation(route: Route) -> Document:
    described: Document = {
        "operationId": route.handler.__name__,
        "summary": route.summary,
        "tags": [route.path.split("/")[2]],
        "responses": {**success(route), **refusals(route)},
    }
    if not route.public:
        described["security"] = [{"bearer": []}]
    if not route.has_body:
        described["parameters"] = parameters(route)
    if route.upload is not None:
        described["requestBody"] = {"required": True, "content": files(route.upload.media)}
    elif route.has_body and route.command.__struct_fields__:
        described["requestBody"] = {"required": True, "content": content(route.command)}
    return described


def operation_of_health(path: str, summary: str, answers: dict[str, Any]) -> Document:
    return {
        "operationId": path.strip("/").replace("/", "_"),
        "summary": summary,
        "tags": ["health"],
        "responses": {
            status: {"description": HTTPStatus(int(status)).phrase, "content": content(answer)}
            for status, answer in answers.items()
        },
    }


def operation_of_pack() -> Document:
    whole = {"description": "OK", "content": files([pack.MEDIA])}
    return {
        "operationId": "get_pack",
        "summary": "The offline pack of crisis help: a signed file for apps to keep.",
        "tags": ["crisis"],
        "responses": {
            "200": whole,
            "304": {"description": "The pack is the one of `If-None-Match`."},
            "503": {"description": "`unavailable`", "content": content(Refusal)},
        },
    }


def parameters(route: Route) -> list[Document]:
    """The fields of the command, in the path or behind it."""
    command = schemas([route.command])[route.command.__name__]
    file = route.upload.field if route.upload else None
    in_path = set(IN_PATH.findall(route.path))
    return [
        {
            "name": name,
            "in": "path" if name in in_path else "query",
            "required": name in in_path or name in command.get("required", []),
            "schema": field,
        }
        for name, field in command["properties"].items()
        if name != file
    ] + ([PART] if route.answer is Download else [])


def success(route: Route) -> Document:
    described: Document = {"description": HTTPStatus(route.status).phrase}
    if route.answer is Download:
        return downloads(route)
    if route.answer is not type(None):
        described["content"] = content(route.answer)
    return {str(route.status): described}


def downloads(route: Route) -> Document:
    """A file, a part of it (RFC 9110 §14), or the word that the one who asks has it already."""
    whole: Document = {"description": "OK", "headers": headers("Accept-Ranges", "ETag")}
    part: Document = {"description": "Partial Content", "headers": headers("Content-Range", "ETag")}
    beyond: Document = {"description": "`invalid`: no such part", "headers": headers("Content-Range")}
    return {
        "200": {**whole, "content": files(route.media)},
        "206": {**part, "content": files(route.media)},
        "304": {"description": "Not Modified", "headers": headers("ETag")},
        "416": {**beyond, "content": content(Refusal)},
    }


def headers(*names: str) -> Document:
    return {name: {"schema": {"type": "string"}} for name in names}


def files(media: Iterable[str]) -> Document:
    return {name: {"schema": {"type": "string", "format": "binary"}} for name in media}


def refusals(route: Route) -> Document:
    """The codes this route is most likely to answer with; any other has the same shape."""
    codes = {"invalid", "internal", "unavailable"}
    codes |= {"too_large"} if route.has_body or route.upload else set()
    codes |= {"rate_limited"} if route.limit else set()
    codes |= {"unauthenticated"} if not route.public or asks_for_proof(route) else set()
    codes |= {"not_found"} if IN_PATH.search(route.path) else set()
    refused = {"content": content(Refusal)}
    named = {str(HTTP_STATUS[code]): {"description": f"`{code}`", **refused} for code in sorted(codes)}
    return named | {"default": {"description": "`error.code` says what.", **refused}}


def asks_for_proof(route: Route) -> bool:
    """Public, and refuses whoever does not prove who they are."""
    return route.limit is LOGINS or route.command is Refresh


def content(type_: Any) -> Document:
    return {JSON: {"schema": schema(type_)}}
