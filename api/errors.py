"""Every refusal in one shape: `{"error": {code, message, field?, retry_after?}}`."""

import math
import traceback

import msgspec
import structlog
from aiohttp import hdrs, web

from api.endpoint import json_answer
from domain.errors import Ban, Banned, Code, DomainError, Invalid, NotFound, TooLarge

log = structlog.get_logger(__name__)


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a request was refused. `retry_after` in seconds; `message` may be shown to anybody.

    `ban` comes with `forbidden` where somebody proved to be a banned account.
    """

    code: Code
    message: str
    field: str | None = None
    retry_after: float | None = None
    ban: Ban | None = None


class Refusal(msgspec.Struct, frozen=True):
    """The body of every answer that is not a success."""

    error: Problem


def refusal(error: DomainError, status: int | None = None) -> web.Response:
    ban = error.ban if isinstance(error, Banned) else None
    problem = Problem(error.code, error.message, error.field, error.retry_after, ban)
    response = json_answer(Refusal(problem), status or error.http_status)
    if error.retry_after is not None:
        response.headers[hdrs.RETRY_AFTER] = str(math.ceil(error.retry_after))
    if response.status == 401:
        response.headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
    return response


def refusal_of_router(error: web.HTTPException) -> web.Response:
    """What aiohttp itself refuses: an unknown path, a method that a path does not have."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        response = refusal(Invalid("This address does not take this method."), error.status)
        response.headers[hdrs.ALLOW] = ", ".join(sorted(error.allowed_methods))
        return response
    if isinstance(error, web.HTTPRequestRangeNotSatisfiable):
        response = refusal(Invalid("There is no such part."), error.status)
        response.headers[hdrs.CONTENT_RANGE] = error.headers[hdrs.CONTENT_RANGE]
        return response
    if error.status == 413:
        return refusal(TooLarge())
    return refusal(NotFound() if error.status == 404 else Invalid(), error.status)


def report(error: Exception, path: str) -> None:
    """What broke and where, without the error's own text: drivers put values into it."""
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    log.error("request.failed", route=path, error=type(error).__name__, where=where)
