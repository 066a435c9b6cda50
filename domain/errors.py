"""How the product says no: one vocabulary for socket acks, REST bodies and job verdicts.

Codes and their HTTP status are the wire contract; `temporary` tells a worker or a client
whether the same attempt can succeed later.
"""

from typing import Literal, get_args

import msgspec

Code = Literal[
    "invalid",
    "unauthenticated",
    "forbidden",
    "not_found",
    "conflict",
    "gone",
    "too_large",
    "rate_limited",
    "internal",
    "unavailable",
]

HTTP_STATUS: dict[str, int] = dict(
    zip(get_args(Code), (400, 401, 403, 404, 409, 410, 413, 429, 500, 503), strict=True)
)


class DomainError(Exception):
    """Something went wrong on our side; please try again."""

    code: Code = "internal"
    temporary = False

    def __init__(
        self, message: str | None = None, *, field: str | None = None, retry_after: float | None = None
    ) -> None:
        """`message` is safe to show to anybody; `retry_after` is in seconds."""
        self.message = message or (type(self).__doc__ or "").strip()
        self.field = field
        self.retry_after = retry_after
        super().__init__(self.message)

    @property
    def http_status(self) -> int:
        return HTTP_STATUS[self.code]

    def as_dict(self) -> dict[str, object]:
        """The `error` object of an ack or a REST body."""
        optional = {"field": self.field, "retry_after": self.retry_after}
        return {
            "code": self.code,
            "message": self.message,
            **{name: value for name, value in optional.items() if value is not None},
        }


class Invalid(DomainError):
    """The request is not valid."""

    code: Code = "invalid"


class Unauthenticated(DomainError):
    """Please log in again."""

    code: Code = "unauthenticated"


class Forbidden(DomainError):
    """You may not do that."""

    code: Code = "forbidden"


class Ban(msgspec.Struct, frozen=True, kw_only=True):
    """What the holder of a banned account is told. `until` is null for a ban without an end.

    `decision_id` and `appeal_code` open `POST /v1/moderation/appeals`, once, and nothing else.
    """

    until: str | None
    reason: str = ""
    decision_id: str | None = None
    appeal_code: str | None = None


class Banned(Forbidden):
    """This account is banned."""

    def __init__(self, message: str | None = None, *, ban: Ban) -> None:
        super().__init__(message)
        self.ban = ban


class NotFound(DomainError):
    """There is no such thing here."""

    code: Code = "not_found"


class Conflict(DomainError):
    """That is already taken or already done."""

    code: Code = "conflict"


class Gone(DomainError):
    """This is no longer available."""

    code: Code = "gone"


class TooLarge(DomainError):
    """That is larger than we accept."""

    code: Code = "too_large"


class RateLimited(DomainError):
    """That was a lot at once; please wait a moment."""

    code: Code = "rate_limited"
    temporary = True


class Unavailable(DomainError):
    """We cannot reach part of our system right now; please try again in a moment."""

    code: Code = "unavailable"
    temporary = True
