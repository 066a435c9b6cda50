"""What helping has come to."""

from api.route import Routes
from api.routes.pages import PageQuery
from domain import stats
from domain.accounts import User
from domain.ports import Ports
from domain.stats import PointsPage, Stats
from domain.wire import Nothing

routes = Routes()


@routes.signed_in("GET", "/v1/me/points")
async def my_points(query: PageQuery, user: User, ports: Ports) -> PointsPage:
    """My strength points: balance, level, and the entries of the ledger, newest first."""
    return await stats.my_points(user, ports, cursor=query.cursor, limit=query.size(ports))


@routes.signed_in("GET", "/v1/me/stats")
async def my_stats(_: Nothing, user: User, ports: Ports) -> Stats:
    """Help I gave and received, people I helped, and how often I was first to answer an SOS."""
    return await stats.my_stats(user, ports)
