"""Open sessions: where somebody is logged in, and how they end what is not theirs any more."""

from datetime import timedelta

from domain import audit
from domain.accounts import User
from domain.clock import rfc3339
from domain.errors import NotFound
from domain.pages import Page
from domain.ports import Ports
from domain.sessions import Session
from domain.wire import Command, Id, View

SESSIONS_SHOWN = 100
"""Of more the least used are not shown; ending all of them is one request."""


class SessionView(View, frozen=True):
    """`platform` and `app_version` are what its sockets last said of themselves; never an address."""

    id: str
    created_at: str
    last_used_at: str
    current: bool
    platform: str | None
    app_version: str | None


class EndSession(Command, frozen=True):
    session_id: Id


async def my_sessions(user: User, ports: Ports) -> Page[SessionView]:
    """Last used first, without those whose refresh tokens have all expired."""
    usable_since = ports.now() - timedelta(seconds=ports.settings.refresh_token_seconds)
    found = await ports.records.sessions.open(user.id, usable_since, SESSIONS_SHOWN)
    return Page(items=[session_view(session, user) for session in found], next_cursor=None)


async def end_session(command: EndSession, user: User, ports: Ports) -> None:
    """Its sockets close within seconds. Somebody else's session is `not_found`, like one that has ended."""
    async with ports.transaction() as tx:
        if not await tx.sessions.end_own(user.id, command.session_id, "logged_out", ports.now()):
            raise NotFound
        await audit.note("auth.session_ended", user.id, tx, ports, session_id=command.session_id)


def session_view(session: Session, user: User) -> SessionView:
    return SessionView(
        id=session.id,
        created_at=rfc3339(session.created_at),
        last_used_at=rfc3339(session.last_used_at or session.created_at),
        current=session.id == user.session_id,
        platform=session.platform,
        app_version=session.app_version,
    )
