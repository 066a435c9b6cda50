"""Every route under `/v1`, one module for each noun."""

from api.routes import auth, circles, crisis, me, posts, rooms

ROUTES = [route for module in (auth, me, posts, circles, rooms, crisis) for route in module.routes.table]
