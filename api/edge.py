"""The way of every REST request, in order: id, metrics, headers, refusals, then its route."""

import time

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from api.errors import refusal, refusal_of_router, report
from api.keys import PATHS
from api.metrics import observe
from api.security import Security, options
from domain.errors import DomainError, Unavailable
from domain.ids import new_id

REQUEST_ID = "X-Request-ID"
UNMATCHED = "unmatched"


def make_edge(security: Security) -> Middleware:
    @web.middleware
    async def edge(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_ours(request):
            return await handler(request)
        started, id = time.perf_counter(), new_id()
        with structlog.contextvars.bound_contextvars(request_id=id):
            response = await answered(request, handler)
        security.harden(request, response)
        response.headers[REQUEST_ID] = id
        observe(request.method, template(request), response.status, time.perf_counter() - started)
        return response

    return edge


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
