"""The way of every page of a site: who asks, is the form ours, what is asked; then an answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar, get_type_hints
from urllib.parse import urlencode

import msgspec
from aiohttp import hdrs, web

from api.download import Download, file_answer
from api.endpoint import json_answer
from api.request import address_values, check_storable, shown
from api.site.form import filled, read_form
from api.site.rendering import Templates
from api.site.session import FORM_TOKEN, check_form, drop_cookie, form_token, visitor_of
from api.site.site import Site
from domain.accounts import User
from domain.decoding import converted
from domain.errors import DomainError, Invalid, Unauthenticated, Unavailable
from domain.ports import Ports

C = TypeVar("C", bound=msgspec.Struct)
K = TypeVar("K")


class Visit(NamedTuple, Generic[K]):
    """Somebody who asks for a page; `kept` is what the site has at hand for all of them."""

    user: User
    form_token: str
    site: Site
    ports: Ports
    kept: K


class Shown(NamedTuple):
    """A page, and the names of its parts that change while one looks."""

    template: str
    data: Mapping[str, Any]
    live: tuple[str, ...] = ()
    status: int = 200


class Moved(NamedTuple):
    """Go there instead; `drops` are cookies to lose on the way."""

    location: str
    drops: tuple[str, ...] = ()


Given = Shown | Moved | Download
Handler = Callable[[C, Visit[K]], Awaitable[Given]]


class Page(NamedTuple):
    method: str
    path: str
    handler: Callable[..., Awaitable[Given]]
    command: type[msgspec.Struct]


class Pages(Generic[K]):
    """A table of pages; the annotation of a handler's command is what its form or query may hold."""

    def __init__(self) -> None:
        self.table: list[Page] = []

    def on(self, method: str, path: str) -> Callable[[Handler[C, K]], Handler[C, K]]:
        def add(handler: Handler[C, K]) -> Handler[C, K]:
            command = next(iter(get_type_hints(handler).values()))
            self.table.append(Page(method, path, handler, command))
            return handler

        return add


class Desk(Generic[K]):
    def __init__(self, site: Site, ports: Ports, templates: Templates, kept: K) -> None:
        self._site = site
        self._ports = ports
        self._templates = templates
        self._kept = kept

    def serving(self, page: Page) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            return await self.serve(page, request)

        return serve

    async def serve(self, page: Page, request: web.Request) -> web.StreamResponse:
        """A script that keeps a page fresh asks for JSON, and is refused in JSON by the edge."""
        visit: Visit[K] | None = None
        try:
            async with asyncio.timeout(self._ports.settings.handler_timeout_seconds):
                visit = await self._visit(request)
                return await self._answer(page, request, visit)
        except (DomainError, TimeoutError) as error:
            if wants_json(request):
                raise
            refusal = error if isinstance(error, DomainError) else Unavailable(retry_after=1)
            return self._refuse(request, visit, refusal)

    async def _visit(self, request: web.Request) -> Visit[K]:
        user = await visitor_of(request, self._site, self._ports)
        token = form_token(user.session_id, self._site, self._ports)
        return Visit(user, token, self._site, self._ports, self._kept)

    async def _answer(self, page: Page, request: web.Request, visit: Visit[K]) -> web.Response:
        answer = await page.handler(await self._command(page, request, visit), visit)
        if isinstance(answer, Moved):
            return moved(answer, self._site)
        if isinstance(answer, Download):
            return await kept_nowhere(request, answer)
        data = {"visit": visit, "now": self._ports.now(), **answer.data}
        if wants_json(request):
            return json_answer({"parts": self._templates.parts(answer.live, data)})
        return self._templates.answer(answer.template, data, answer.status)

    async def _command(self, page: Page, request: web.Request, visit: Visit[K]) -> msgspec.Struct:
        values = address_values(request, strict=True)
        if page.method == hdrs.METH_POST:
            form = await read_form(request)
            check_form(form.pop(FORM_TOKEN, ""), visit.form_token)
            for name in form.keys() & values.keys():
                raise Invalid("The address says this already.", field=shown(name))
            values |= form
        command = converted(filled(values), page.command)
        check_storable(command)
        return command

    def _refuse(self, request: web.Request, visit: Visit[K] | None, error: DomainError) -> web.Response:
        if isinstance(error, Unauthenticated):
            return moved(Moved(login_address(request, self._site)), self._site)
        return self._templates.answer("refused", {"visit": visit, "error": error}, error.http_status)


def wants_json(request: web.Request) -> bool:
    return "application/json" in request.headers.get(hdrs.ACCEPT, "")


async def kept_nowhere(request: web.Request, file: Download) -> web.Response:
    """A file as it is given to phones, but for a browser that others may sit at later."""
    response = await file_answer(request, file)
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
    return response


def moved(to: Moved, site: Site) -> web.Response:
    """See Other: the browser asks with GET, and going back does not send the form again."""
    response = web.Response(status=303, headers={hdrs.LOCATION: to.location})
    for name in to.drops:
        drop_cookie(response, name, site)
    return response


def login_address(request: web.Request, site: Site) -> str:
    """The login, which comes back to a page that was asked for; never to a form that was sent."""
    if request.method != hdrs.METH_GET or request.path == site.home:
        return site.login
    return f"{site.login}?{urlencode({'next': request.path_qs})}"
