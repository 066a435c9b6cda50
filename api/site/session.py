"""Who sits at a site: a cookie that names a session, and tokens that prove a form is ours.

The cookie is `<session id>.<expiry>.<keyed hash>`. It opens nothing but the pages of its site, and only as
long as the session is open and its account has the role: logging out, a new password or a ban end it at once.
"""

import secrets
from datetime import timedelta

from aiohttp import web

from api.site.site import Site
from domain.accounts import User
from domain.errors import Forbidden, Unauthenticated
from domain.ports import Ports

SESSION_SECONDS = 8 * 3600
"""One shift; after that people log in again."""
LOGIN_SECONDS = 3600
"""How long an open login form stays good."""
FORM_TOKEN = "form_token"  # noqa: S105  (the name of a field)


def sealed(session_id: str, site: Site, ports: Ports) -> str:
    expires = int((ports.now() + timedelta(seconds=SESSION_SECONDS)).timestamp())
    named = f"{session_id}.{expires}"
    return f"{named}.{keyed('session', named, site, ports)}"


def opened(cookie: str, site: Site, ports: Ports) -> str:
    """The session id of a cookie of this site; raises `Unauthenticated` for any other, and for an old one."""
    named, _, proof = cookie.rpartition(".")
    session_id, _, expires = named.rpartition(".")
    if not matches(proof, keyed("session", named, site, ports)) or int(expires) <= ports.now().timestamp():
        raise Unauthenticated
    return session_id


async def visitor_of(request: web.Request, site: Site, ports: Ports) -> User:
    """Raises `Unauthenticated` without an open session of somebody whom the site lets in."""
    session_id = opened(request.cookies.get(site.session_cookie, ""), site, ports)
    user = await ports.records.sessions.user_of(session_id)
    if user is None:
        raise Unauthenticated
    try:
        site.check(user)
    except Forbidden:
        raise Unauthenticated from None
    return user


def form_token(subject: str, site: Site, ports: Ports) -> str:
    """What a form of a page carries so that no other site can send it; `subject` is a session."""
    return keyed("form", subject, site, ports)


def login_token(cookie: str, site: Site, ports: Ports) -> str:
    """The same for the login form. Anybody is given one for any cookie, so it is good for nothing else."""
    return keyed("login-form", cookie, site, ports)


def check_form(given: str, expected: str) -> None:
    if not matches(given, expected):
        raise Forbidden("This form is too old. Please try again.")


def keyed(purpose: str, value: str, site: Site, ports: Ports) -> str:
    return ports.cipher.lookup(f"{site.name}-{purpose}:{value}".encode(errors="replace")).hex()


def matches(given: str, expected: str) -> bool:
    return secrets.compare_digest(given.encode(errors="replace"), expected.encode())


def set_cookie(response: web.Response, name: str, value: str, seconds: int, site: Site, ports: Ports) -> None:
    """Out of reach for scripts and for other sites; over HTTPS alone in production."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path=site.path,
        httponly=True,
        samesite="Strict",
        secure=ports.settings.server_env == "production",
    )


def drop_cookie(response: web.Response, name: str, site: Site) -> None:
    response.del_cookie(name, path=site.path, httponly=True, samesite="Strict")
