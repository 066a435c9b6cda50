"""The door of a site: handle and password of somebody with the role; everybody else hears one refusal."""

import asyncio
import re
import secrets
from typing import Annotated

import msgspec
import structlog
from aiohttp import web

from api.address import Addresses
from api.request import check_storable
from api.route import LOGINS
from api.site.desk import Moved, Visit, moved
from api.site.form import filled, read_form
from api.site.rendering import Templates
from api.site.session import (
    FORM_TOKEN,
    LOGIN_SECONDS,
    SESSION_SECONDS,
    check_form,
    login_token,
    sealed,
    set_cookie,
    visitor_of,
)
from api.site.site import Site
from domain import audit, limits, sessions
from domain.accounts import User
from domain.decoding import converted
from domain.errors import Banned, DomainError, Forbidden, Invalid, Unauthenticated, Unavailable
from domain.ports import Ports
from domain.sessions import LogIn
from domain.wire import Command, Nothing

log = structlog.get_logger(__name__)

REFUSAL = "The name or the password is not right."
BELOW = re.compile(r"/(?!login)[A-Za-z0-9/_-]*(\?[A-Za-z0-9_=&%.:+@~-]*)?\Z")
"""Where a login may lead, below the folder of its site: to our pages and nowhere else."""


class LoginForm(Command, frozen=True):
    handle: Annotated[str, msgspec.Meta(max_length=254)] = ""
    password: Annotated[str, msgspec.Meta(max_length=200)] = ""
    next: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class Login:
    def __init__(self, site: Site, ports: Ports, addresses: Addresses, templates: Templates) -> None:
        self._site = site
        self._ports = ports
        self._addresses = addresses
        self._templates = templates

    async def show(self, request: web.Request) -> web.Response:
        next_ = ours(request.query.get("next", ""), self._site)
        try:
            async with asyncio.timeout(self._ports.settings.handler_timeout_seconds):
                await visitor_of(request, self._site, self._ports)
        except (DomainError, TimeoutError):
            return self._form(request, next_)
        return moved(Moved(next_), self._site)

    async def enter(self, request: web.Request) -> web.Response:
        next_ = self._site.home
        try:
            async with asyncio.timeout(self._ports.settings.handler_timeout_seconds):
                form = await self._read(request)
                next_ = ours(form.next, self._site)
                user = await self._let_in(form)
        except (DomainError, TimeoutError) as error:
            refusal = error if isinstance(error, DomainError) else Unavailable()
            log.warning(f"{self._site.who}.login_refused", code=refusal.code)
            return self._form(request, next_, refusal)
        log.info(f"{self._site.who}.logged_in", account_id=user.id)
        await self._note(user)
        response = moved(Moved(next_, drops=(self._site.login_cookie,)), self._site)
        self._set(
            response,
            self._site.session_cookie,
            sealed(user.session_id, self._site, self._ports),
            SESSION_SECONDS,
        )
        return response

    def _set(self, response: web.Response, name: str, value: str, seconds: int) -> None:
        set_cookie(response, name, value, seconds, self._site, self._ports)

    async def _note(self, user: User) -> None:
        async with self._ports.transaction() as tx:
            await audit.note(f"{self._site.who}.logged_in", user.id, tx, self._ports)

    async def _read(self, request: web.Request) -> LoginForm:
        """Counted first: by address, then by name, however many addresses the guesses come from."""
        await self._admit(self._addresses.key(request))
        fields = await read_form(request)
        cookie = request.cookies.get(self._site.login_cookie, "")
        check_form(fields.pop(FORM_TOKEN, ""), login_token(cookie, self._site, self._ports))
        form = converted({**filled(fields), "password": fields.get("password", "")}, LoginForm)
        check_storable(form)
        await self._admit(self._ports.cipher.lookup(f"name:{form.handle.casefold()}".encode()).hex())
        return form

    async def _admit(self, key: str) -> None:
        most = LOGINS.most(self._ports.settings)
        await limits.check("site:logins", key, most, LOGINS.window_seconds, self._ports)

    async def _let_in(self, form: LoginForm) -> User:
        """A session that somebody without the role opened here with the right password is ended again."""
        values = {"identifier": form.handle, "password": form.password}
        try:
            logged_in = await sessions.log_in(converted(values, LogIn), self._ports)
        except (Invalid, Banned):
            raise Unauthenticated(REFUSAL) from None
        user = await sessions.identify(logged_in.tokens.access_token, self._ports)
        try:
            self._site.check(user)
        except Forbidden:
            await sessions.log_out(user, self._ports)
            raise Unauthenticated(REFUSAL) from None
        return user

    def _form(self, request: web.Request, next_: str, error: DomainError | None = None) -> web.Response:
        subject = request.cookies.get(self._site.login_cookie) or secrets.token_urlsafe(16)
        token = login_token(subject, self._site, self._ports)
        data = {"visit": None, "error": error, "next": next_, "token": token}
        response = self._templates.answer("login", data, error.http_status if error else 200)
        if error is not None and error.retry_after is not None:
            response.headers["Retry-After"] = str(int(error.retry_after))
        self._set(response, self._site.login_cookie, subject, LOGIN_SECONDS)
        return response


def ours(address: str, site: Site) -> str:
    below = address.removeprefix(site.path)
    return address if below != address and BELOW.match(below) else site.home


async def log_out(_: Nothing, visit: Visit[object]) -> Moved:
    await sessions.log_out(visit.user, visit.ports)
    log.info(f"{visit.site.who}.logged_out", account_id=visit.user.id)
    return Moved(visit.site.login, drops=(visit.site.session_cookie,))
