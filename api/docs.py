"""The documents at `/docs`: OpenAPI from the routes, AsyncAPI from the socket contract, a page to read."""

import base64
import hashlib
from functools import cache
from pathlib import Path

from aiohttp import web

from api.asyncapi import SocketContract, asyncapi_document
from api.endpoint import encode
from api.openapi import Document, openapi_document
from api.page import page_of
from api.routes import ROUTES

STYLE = (Path(__file__).parent / "static" / "docs.css").read_text()


def add_docs(app: web.Application, socket: SocketContract | None) -> None:
    """Everything is put together once: it cannot change while the process runs."""
    documents = {"openapi": _openapi()}
    if socket is not None:
        documents["asyncapi"] = encode(asyncapi_document(socket))
    for name, document in documents.items():
        _add(app, f"/docs/{name}.json", document, "application/json")
    policy = {"Content-Security-Policy": page_policy(STYLE)}
    _add(app, "/docs", _page(*sorted(documents)), "text/html", policy)


# Once for all applications of a process: it takes some tenths of a second.


@cache
def _document() -> Document:
    return openapi_document(ROUTES)


@cache
def _openapi() -> bytes:
    return encode(_document())


@cache
def _page(*documents: str) -> bytes:
    return page_of(_document(), STYLE, documents=documents).encode()


def _add(
    app: web.Application, path: str, body: bytes, media: str, headers: dict[str, str] | None = None
) -> None:
    charset = "utf-8" if media == "text/html" else None

    async def show(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=media, charset=charset, headers=headers)

    app.router.add_get(path, show)


def page_policy(style: str) -> str:
    """The page has one style, known by its hash, and nothing else: no script, no foreign address."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'; base-uri 'none'"
