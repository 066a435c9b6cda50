"""How somebody wants to be asked for help."""

from api.route import Routes
from domain import helping
from domain.accounts import User
from domain.helping import EditHelping, Helping
from domain.ports import Ports
from domain.wire import Nothing

routes = Routes()


@routes.signed_in("GET", "/v1/me/helping")
async def get_helping(_: Nothing, user: User, ports: Ports) -> Helping:
    """Whether and how I am asked when an SOS waits for an answer."""
    return await helping.get_helping(user, ports)


@routes.signed_in("PUT", "/v1/me/helping")
async def edit_helping(command: EditHelping, user: User, ports: Ports) -> Helping:
    """Sets whether and how I am asked; empty lists mean any category and any language."""
    return await helping.edit_helping(command, user, ports)
