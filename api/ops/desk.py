"""The way of every page of the dashboard: who asks, is the form ours, what is asked; then an answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, TypeVar, get_type_hints
from urllib.parse import urlencode

import msgspec
from aiohttp import hdrs, web

from api.endpoint import json_answer
from api.ops.form import filled, read_form
from api.ops.rendering import Templates
from api.ops.session import FORM_TOKEN, check_form, drop_cookie, form_token, operator_of
from api.ops.watch import Watch
from api.request import address_values, check_storable
from domain.accounts import User
from domain.decoding import converted
from domain.errors import DomainError, Unauthenticated, Unavailable
from domain.ports import Ports

C = TypeVar("C", bound=msgspec.Struct)


class Visit(NamedTuple):
    """An operator who asks for a page."""

    user: User
    form_token: str
    watch: Watch
    ports: Ports


class Shown(NamedTuple):
    """A page, and the names of its parts that change while one looks."""

    template: str
    data: Mapping[str, Any]
    live: tuple[str, ...] = ()


class Moved(NamedTuple):
    """Go there instead; `cookies` to drop on the way."""

    location: str
    drops: tuple[str, ...] = ()


Handler = Callable[[C, Visit], Awaitable[Shown | Moved]]


class Page(NamedTuple):
    method: str
    path: str
    handler: Callable[..., Awaitable[Shown | Moved]]
    command: type[msgspec.Struct]


class Pages:
    """A table of pages; the annotation of a handler's command is what its form or query may hold."""

    def __init__(self) -> None:
        self.table: list[Page] = []

    def on(self, method: str, path: str) -> Callable[[Handler[C]], Handler[C]]:
        def add(handler: Handler[C]) -> Handler[C]:
            command = next(iter(get_type_hints(handler).values()))
            self.table.append(Page(method, path, handler, command))
            return handler

        return add


class Desk:
    def __init__(self, ports: Ports, watch: Watch, templates: Templates) -> None:
        self._ports = ports
        self._watch = watch
        self._templates = templates

    def serving(self, page: Page) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            return await self.serve(page, request)

        return serve

    async def serve(self, page: Page, request: web.Request) -> web.StreamResponse:
        """A script that keeps a page fresh asks for JSON, and is refused in JSON by the edge."""
        try:
            async with asyncio.timeout(self._ports.settings.handler_timeout_seconds):
                return await self._answer(page, request)
        except (DomainError, TimeoutError) as error:
            if wants_json(request):
                raise
            refusal = error if isinstance(error, DomainError) else Unavailable(retry_after=1)
            return self._refuse(request, refusal)

    async def _answer(self, page: Page, request: web.Request) -> web.Response:
        user = await operator_of(request, self._ports)
        visit = Visit(user, form_token(user.session_id, self._ports), self._watch, self._ports)
        answer = await page.handler(await self._command(page, request, visit), visit)
        if isinstance(answer, Moved):
            return moved(answer)
        data = {"visit": visit, "now": self._ports.now(), **answer.data}
        if wants_json(request):
            return json_answer({"parts": self._templates.parts(answer.live, data)})
        return self._templates.answer(answer.template, data)

    async def _command(self, page: Page, request: web.Request, visit: Visit) -> msgspec.Struct:
        values = address_values(request, strict=True)
        if page.method == hdrs.METH_POST:
            form = await read_form(request)
            check_form(form.pop(FORM_TOKEN, ""), visit.form_token)
            values |= form
        command = converted(filled(values), page.command)
        check_storable(command)
        return command

    def _refuse(self, request: web.Request, error: DomainError) -> web.Response:
        if isinstance(error, Unauthenticated):
            return moved(Moved(login_address(request)))
        return self._templates.answer("refused", {"visit": None, "error": error}, error.http_status)


def wants_json(request: web.Request) -> bool:
    return "application/json" in request.headers.get(hdrs.ACCEPT, "")


def moved(to: Moved) -> web.Response:
    """See Other: the browser asks with GET, and going back does not send the form again."""
    response = web.Response(status=303, headers={hdrs.LOCATION: to.location})
    for name in to.drops:
        drop_cookie(response, name)
    return response


def login_address(request: web.Request) -> str:
    """The login, which comes back to a page that was asked for; never to a form that was sent."""
    if request.method != hdrs.METH_GET or request.path == "/ops/":
        return "/ops/login"
    return f"/ops/login?{urlencode({'next': request.path_qs})}"
