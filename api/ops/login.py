"""The door of the dashboard: handle and password of an admin; everybody else hears the same refusal."""

import asyncio
import re
import secrets
from typing import Annotated

import msgspec
import structlog
from aiohttp import web

from api.address import Addresses
from api.ops.desk import Moved, moved
from api.ops.form import filled, read_form
from api.ops.rendering import Templates
from api.ops.session import (
    COOKIE,
    FORM_TOKEN,
    LOGIN_COOKIE,
    LOGIN_SECONDS,
    SESSION_SECONDS,
    check_form,
    login_token,
    operator_of,
    sealed,
    set_cookie,
)
from api.request import check_storable
from api.route import LOGINS
from domain import access, audit, limits, sessions
from domain.accounts import User
from domain.decoding import converted
from domain.errors import DomainError, Forbidden, Invalid, Unauthenticated, Unavailable
from domain.ports import Ports
from domain.sessions import LogIn
from domain.wire import Command

log = structlog.get_logger(__name__)

REFUSAL = "The name or the password is not right."
HOME = "/ops/"
OURS = re.compile(r"/ops/(?!login)[A-Za-z0-9/_-]*(\?[A-Za-z0-9_=&%.:+@~-]*)?\Z")
"""Where a login may lead: to our pages and nowhere else."""


class LoginForm(Command, frozen=True):
    handle: Annotated[str, msgspec.Meta(max_length=254)] = ""
    password: Annotated[str, msgspec.Meta(max_length=200)] = ""
    next: Annotated[str, msgspec.Meta(max_length=2000)] = HOME


class Login:
    def __init__(self, ports: Ports, addresses: Addresses, templates: Templates) -> None:
        self._ports = ports
        self._addresses = addresses
        self._templates = templates

    async def show(self, request: web.Request) -> web.Response:
        next_ = ours(request.query.get("next", HOME))
        try:
            async with asyncio.timeout(self._ports.settings.handler_timeout_seconds):
                await operator_of(request, self._ports)
        except (DomainError, TimeoutError):
            return self._form(request, next_)
        return moved(Moved(next_))

    async def enter(self, request: web.Request) -> web.Response:
        next_ = HOME
        try:
            async with asyncio.timeout(self._ports.settings.handler_timeout_seconds):
                form = await self._read(request)
                next_ = ours(form.next)
                user = await self._admin(form)
        except (DomainError, TimeoutError) as error:
            refusal = error if isinstance(error, DomainError) else Unavailable()
            log.warning("operator.login_refused", code=refusal.code)
            return self._form(request, next_, refusal)
        log.info("operator.logged_in", account_id=user.id)
        await self._note(user)
        response = moved(Moved(next_, drops=(LOGIN_COOKIE,)))
        set_cookie(response, COOKIE, sealed(user.session_id, self._ports), SESSION_SECONDS, self._ports)
        return response

    async def _note(self, user: User) -> None:
        async with self._ports.transaction() as tx:
            await audit.note("operator.logged_in", user.id, tx, self._ports)

    async def _read(self, request: web.Request) -> LoginForm:
        """Counted first: by address, then by name, however many addresses the guesses come from."""
        await self._admit(self._addresses.key(request))
        fields = await read_form(request)
        cookie = request.cookies.get(LOGIN_COOKIE, "")
        check_form(fields.pop(FORM_TOKEN, ""), login_token(cookie, self._ports))
        form = converted({**filled(fields), "password": fields.get("password", "")}, LoginForm)
        check_storable(form)
        await self._admit(self._ports.cipher.lookup(f"name:{form.handle.casefold()}".encode()).hex())
        return form

    async def _admit(self, key: str) -> None:
        most = LOGINS.most(self._ports.settings)
        await limits.check("ops:logins", key, most, LOGINS.window_seconds, self._ports)

    async def _admin(self, form: LoginForm) -> User:
        """A session that a mere user opened here with the right password is ended again."""
        values = {"identifier": form.handle, "password": form.password}
        try:
            logged_in = await sessions.log_in(converted(values, LogIn), self._ports)
        except Invalid:
            raise Unauthenticated(REFUSAL) from None
        user = await sessions.identify(logged_in.tokens.access_token, self._ports)
        try:
            access.check_operator(user)
        except Forbidden:
            await sessions.log_out(user, self._ports)
            raise Unauthenticated(REFUSAL) from None
        return user

    def _form(self, request: web.Request, next_: str, error: DomainError | None = None) -> web.Response:
        subject = request.cookies.get(LOGIN_COOKIE) or secrets.token_urlsafe(16)
        data = {"visit": None, "error": error, "next": next_, "token": login_token(subject, self._ports)}
        response = self._templates.answer("login", data, error.http_status if error else 200)
        if error is not None and error.retry_after is not None:
            response.headers["Retry-After"] = str(int(error.retry_after))
        set_cookie(response, LOGIN_COOKIE, subject, LOGIN_SECONDS, self._ports)
        return response


def ours(address: str) -> str:
    return address if OURS.match(address) else HOME
