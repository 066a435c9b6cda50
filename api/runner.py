"""What serves the application: aiohttp's runner, but for how it answers what is not HTTP.

aiohttp answers a malformed request, and one that expects what no server knows, in plain text that repeats
what was sent, before any middleware sees it.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web

from api.errors import refusal, refusal_of_router
from api.security import HEADERS
from domain.errors import DomainError, Invalid, TooLarge

MALFORMED = "This is not a request that we understand."


class Connection(web.RequestHandler):
    """One connection of a client. The log line is aiohttp's, stripped by `telemetry.logs`."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what no route was asked with; raises ConnectionError when one has begun already, or
        when the client left before: that is no fault of ours to tell about.
        """
        if self.transport is None and isinstance(exc, ConnectionError):
            raise exc
        super().handle_error(request, status, exc)
        answer = refusal(error_of(status), status)
        answer.headers.update(HEADERS)
        answer.force_close()
        return answer


def error_of(status: int) -> DomainError:
    if status >= 500:
        return DomainError()
    return TooLarge() if status == 413 else Invalid(MALFORMED)


Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def expecting_little(handle: Handler) -> Handler:
    """Refuses in our own words an `Expect:` that is not `100-continue`. Its body may come or not: that is all
    that this connection is good for."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await handle(request)
        except web.HTTPExpectationFailed as error:
            refused = refusal_of_router(error)
            refused.headers.update(HEADERS)
            refused.force_close()
            return refused

    return answer


class Connections(web.Server):
    """Makes a `Connection` for each client."""

    def __call__(self) -> Connection:
        return Connection(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    async def _make_server(self) -> Connections:
        made = await super()._make_server()
        return Connections(
            expecting_little(made.request_handler),
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            **made._kwargs,
        )
