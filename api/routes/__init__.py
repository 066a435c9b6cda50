"""Every route under `/v1`, one module for each noun."""

from api.routes import auth, circles, crisis, me, posts, rooms, stats

ROUTES = [
    route for module in (auth, me, posts, circles, rooms, crisis, stats) for route in module.routes.table
]
