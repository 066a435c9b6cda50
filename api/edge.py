"""The way of every REST request, in order: id, metrics, headers, refusals, then its route."""

import time

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from api.errors import refusal, refusal_of_router, report
from api.keys import PATHS
from api.metrics import known_method, observe
from api.reader import give_up_unread
from api.security import Security, options
from domain.errors import DomainError, Unavailable
from domain.ids import new_id
from telemetry.tracing import is_on, span

REQUEST_ID = "X-Request-ID"
UNMATCHED = "unmatched"


def make_edge(security: Security) -> Middleware:
    @web.middleware
    async def edge(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_ours(request):
            return await handler(request)
        started, id = time.perf_counter(), new_id()
        with structlog.contextvars.bound_contextvars(request_id=id):
            response = await (traced(request, handler, id) if is_on() else answered(request, handler))
        security.harden(request, response)
        give_up_unread(request, response)
        response.headers[REQUEST_ID] = id
        observe(request.method, template(request), response.status, time.perf_counter() - started)
        return response

    return edge


async def traced(request: web.Request, handler: Handler, id: str) -> web.StreamResponse:
    """As `answered`, in a span that is named for the route."""
    method, path = known_method(request.method), template(request)
    values = {"http__request__method": method, "http__route": path, "request_id": id}
    with span(f"{method} {path}", "server", **values) as told:
        response = await answered(request, handler)
        told.note(http__response__status_code=response.status)
        if response.status >= 500:
            told.fail(str(response.status))
        return response


def is_ours(request: web.Request) -> bool:
    """True for the routes of this package and for requests that match no route at all."""
    return request.match_info.http_exception is not None or template(request) in request.app[PATHS]


def template(request: web.Request) -> str:
    """The path as it was declared, for metrics and logs: it holds no ids."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else UNMATCHED


async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """An answer, whatever happens."""
    try:
        if request.method == hdrs.METH_OPTIONS:
            return options(request)
        return await handler(request)
    except DomainError as error:
        return refusal(error)
    except web.HTTPException as error:
        return refusal_of_router(error)
    except TimeoutError:
        return refusal(Unavailable(retry_after=1))
    except Exception as error:  # noqa: BLE001  (nothing may get past: aiohttp would answer in its own way)
        report(error, template(request))
        return refusal(DomainError())
