"""One's own account and what one wrote."""

from api.route import Routes
from api.routes.pages import PageQuery
from domain import accounts, posts
from domain.accounts import EditAccount, OwnAccount, User
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


@routes.signed_in("GET", "/v1/me/history")
async def history(query: PageQuery, user: User, ports: Ports) -> Page[PostView]:
    """What I posted, newest first; also what is held or hidden."""
    return await posts.history(user, ports, cursor=query.cursor, limit=query.size(ports))
