"""Coming in and going out."""

from api.route import LOGINS, REGISTRATIONS, REQUESTS, Routes
from domain import sessions
from domain.accounts import User
from domain.ports import Ports
from domain.sessions import (
    ChangePassword,
    LoggedIn,
    LogIn,
    Recover,
    Refresh,
    RegisterAnonymous,
    Registered,
    RegisterEmail,
    Tokens,
)
from domain.wire import Nothing

routes = Routes()


@routes.public("POST", "/v1/auth/register", limit=REGISTRATIONS, status=201)
async def register(command: RegisterAnonymous, ports: Ports) -> Registered:
    """Makes an account that needs nothing of a person; the recovery code is shown this once."""
    return await sessions.register_anonymous(command, ports)


@routes.public(
    "POST", "/v1/auth/register/email", limit=REGISTRATIONS, guesses=sessions.counted_address, status=201
)
async def register_email(command: RegisterEmail, ports: Ports) -> Registered:
    """Makes an account that an e-mail address and a password open on any phone."""
    return await sessions.register_email(command, ports)


@routes.public("POST", "/v1/auth/login", limit=LOGINS, guesses=sessions.counted_login)
async def log_in(command: LogIn, ports: Ports) -> LoggedIn:
    """Opens a session for an e-mail address or handle and its password."""
    return await sessions.log_in(command, ports)


@routes.public("POST", "/v1/auth/recover", limit=LOGINS)
async def recover(command: Recover, ports: Ports) -> Registered:
    """Opens a session with the recovery code, ends all others, and gives a new code."""
    return await sessions.recover(command, ports)


@routes.public("POST", "/v1/auth/refresh", limit=REQUESTS)
async def refresh(command: Refresh, ports: Ports) -> Tokens:
    """A new pair of tokens for a refresh token, which is used up by it."""
    return await sessions.refresh(command, ports)


@routes.signed_in("POST", "/v1/auth/logout", status=204)
async def log_out(_: Nothing, user: User, ports: Ports) -> None:
    """Ends this session, at once and on every server."""
    await sessions.log_out(user, ports)


@routes.signed_in("POST", "/v1/auth/logout-all", status=204)
async def log_out_all(_: Nothing, user: User, ports: Ports) -> None:
    """Ends every session of the account."""
    await sessions.log_out_all(user, ports)


@routes.signed_in("POST", "/v1/auth/password", limit=LOGINS)
async def change_password(command: ChangePassword, user: User, ports: Ports) -> Tokens:
    """Sets or changes the password; every session ends and the answer opens a new one."""
    return await sessions.change_password(command, user, ports)
