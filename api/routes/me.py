"""One's own account and what one wrote."""

from api.route import LOGINS, Routes
from api.routes.pages import PageQuery
from domain import accounts, erasure, export, open_sessions, posts
from domain.accounts import EditAccount, OwnAccount, User
from domain.erasure import EraseMe, Receipt
from domain.export import Export, ExportQuery
from domain.open_sessions import EndSession, SessionView
from domain.pages import Page
from domain.ports import Ports
from domain.posts import PostView
from domain.wire import Nothing

routes = Routes()


@routes.signed_in("GET", "/v1/me")
async def get_me(_: Nothing, user: User, ports: Ports) -> OwnAccount:
    """The account behind the token."""
    return await accounts.get_me(user, ports)


@routes.signed_in("PATCH", "/v1/me")
async def edit_me(command: EditAccount, user: User, ports: Ports) -> OwnAccount:
    """Changes the fields that are sent and no others."""
    return await accounts.edit_me(command, user, ports)


@routes.signed_in("DELETE", "/v1/me", limit=LOGINS)
async def erase_me(command: EraseMe, user: User, ports: Ports) -> Receipt:
    """Closes the account for good and erases what it gave, within a day; the receipt says how far it is."""
    return await erasure.erase_me(command, user, ports)


@routes.signed_in("GET", "/v1/me/history")
async def history(query: PageQuery, user: User, ports: Ports) -> Page[PostView]:
    """What I posted, newest first; also what is held or hidden."""
    return await posts.history(user, ports, cursor=query.cursor, limit=query.size(ports))


@routes.signed_in("GET", "/v1/me/sessions")
async def my_sessions(_: Nothing, user: User, ports: Ports) -> Page[SessionView]:
    """Where I am logged in, last used first."""
    return await open_sessions.my_sessions(user, ports)


@routes.signed_in("DELETE", "/v1/me/sessions/{session_id}", status=204)
async def end_session(command: EndSession, user: User, ports: Ports) -> None:
    """Ends one of my sessions; its sockets close within seconds."""
    await open_sessions.end_session(command, user, ports)


@routes.signed_in("GET", "/v1/me/export")
async def export_me(query: ExportQuery, user: User, ports: Ports) -> Export:
    """Everything I gave, a page at a time; a small account fits on one."""
    return await export.export_me(query, user, ports)
