"""Routes as data: what a handler takes, gives, and how often it may be asked.

A handler is `async (command, user, ports) -> answer`, or `async (command, ports) -> answer` for a route that
anybody may call. Its annotations are the wire schema: the choke point decodes by them, `/docs` shows them.
"""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar, get_type_hints

import msgspec

from api.upload import Upload
from domain.accounts import User
from domain.limits import HOUR, MINUTE
from domain.ports import Ports
from domain.settings import Settings

C = TypeVar("C", bound=msgspec.Struct)
A = TypeVar("A")
UserHandler = Callable[[C, User, Ports], Awaitable[A]]
PublicHandler = Callable[[C, Ports], Awaitable[A]]
Guesses = Callable[[Any, Ports], Awaitable[str | None]]
"""By what a command is counted that guesses at something; None when it does not."""


class Limit(NamedTuple):
    """At most `most(settings)` requests of a scope in a window."""

    scope: str
    most: Callable[[Settings], int]
    window_seconds: int


REQUESTS = Limit("requests", lambda settings: settings.requests_per_minute, MINUTE)
REGISTRATIONS = Limit("registrations", lambda settings: settings.registrations_per_hour, HOUR)
REPLAYS = Limit("replays", lambda settings: settings.replays_per_minute, MINUTE)
UPLOADS = Limit("uploads", lambda settings: settings.uploads_per_minute, MINUTE)
LOGINS = Limit("logins", lambda settings: settings.login_attempts_per_minute, MINUTE)


class Route(NamedTuple):
    """`limit` counts by account, or by address where `public`; a login also by what `guesses` says of it.

    `upload` tells of a body that is a file, `media` what an answer that is a file may be called.
    """

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    command: type[msgspec.Struct]
    answer: Any
    public: bool
    limit: Limit | None
    guesses: Guesses | None
    status: int
    upload: Upload | None = None
    media: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        return (self.handler.__doc__ or self.handler.__name__.replace("_", " ").capitalize()).strip()

    @property
    def has_body(self) -> bool:
        """True when the command is the body, as JSON.

        Deleting takes a body only where it needs more than the address says, such as a proof.
        """
        if self.method == "DELETE":
            return any(f"{{{name}}}" not in self.path for name in self.command.__struct_fields__)
        return self.upload is None and self.method in {"POST", "PUT", "PATCH"}


class Routes:
    """A table of routes, filled by its decorators."""

    def __init__(self) -> None:
        self.table: list[Route] = []

    def signed_in(
        self,
        method: str,
        path: str,
        *,
        limit: Limit = REQUESTS,
        status: int = 200,
        upload: Upload | None = None,
        media: tuple[str, ...] = (),
    ) -> Callable[[UserHandler[C, A]], UserHandler[C, A]]:
        """For the holder of an access token. `limit` counts by account."""

        def add(handler: UserHandler[C, A]) -> UserHandler[C, A]:
            self._add(
                method,
                path,
                handler,
                public=False,
                limit=limit,
                guesses=None,
                status=status,
                upload=upload,
                media=media,
            )
            return handler

        return add

    def public(
        self,
        method: str,
        path: str,
        *,
        limit: Limit | None,
        guesses: Guesses | None = None,
        status: int = 200,
        media: tuple[str, ...] = (),
    ) -> Callable[[PublicHandler[C, A]], PublicHandler[C, A]]:
        """For anybody. `limit` counts by address, and `LOGINS` by what `guesses` says."""

        def add(handler: PublicHandler[C, A]) -> PublicHandler[C, A]:
            self._add(
                method,
                path,
                handler,
                public=True,
                limit=limit,
                guesses=guesses,
                status=status,
                media=media,
            )
            return handler

        return add

    def _add(
        self,
        method: str,
        path: str,
        handler: Callable[..., Awaitable[Any]],
        *,
        public: bool,
        limit: Limit | None,
        guesses: Guesses | None,
        status: int,
        upload: Upload | None = None,
        media: tuple[str, ...] = (),
    ) -> None:
        hints = get_type_hints(handler)
        answer = hints.pop("return")
        command = next(iter(hints.values()))
        self.table.append(
            Route(method, path, handler, command, answer, public, limit, guesses, status, upload, media)
        )
