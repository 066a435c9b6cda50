"""What Prometheus sees of REST, under the names of the aiohttp-prometheus package, and the page it reads.

Labels are templates and classes, never what somebody typed.
"""

import secrets

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram

from api.keys import EXPOSITION, PORTS
from api.request import bearer_token
from domain.errors import NotFound, Unauthenticated

SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 10)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REQUESTS = Counter("aiohttp_http_requests", "Requests by outcome", ["method", "handler", "status"])
DURATION = Histogram(
    "aiohttp_http_request_duration_seconds",
    "From the first byte of a request to its answer",
    ["method", "handler"],
    buckets=SECONDS,
)


def observe(method: str, path: str, status: int, seconds: float) -> None:
    """`path` is a template of ours."""
    known = known_method(method)
    REQUESTS.labels(known, path, f"{status // 100}xx").inc()
    DURATION.labels(known, path).observe(seconds)


def known_method(method: str) -> str:
    """What somebody made up is no label."""
    return method if method in METHODS else "other"


async def show_metrics(request: web.Request) -> web.Response:
    """Metrics of all processes of this port as Prometheus text; with `METRICS_TOKEN`, for its bearer only.

    How many people ask for help, and when, is not for everybody: without a token production shows them on
    `METRICS_PORT` alone.
    """
    settings = request.app[PORTS].settings
    expected = settings.metrics_token.get_secret_value()
    if not expected and settings.server_env == "production":
        raise NotFound
    if expected and not secrets.compare_digest(
        bearer_token(request).encode(errors="replace"), expected.encode()
    ):
        raise Unauthenticated
    text = await request.app[EXPOSITION].text()
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})
