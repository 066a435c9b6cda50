"""What an answer of a push service means for us."""

import logging
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from domain.errors import Unavailable

RETRY_AFTER_SECONDS_MAX = 3600.0

# Addresses hold tokens, and these loggers write addresses.
for _name in ("httpx2", "httpcore2", "hpack"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class Refused(Unavailable):
    """A push service refuses a request, and others may go through; an operator has to look."""


def failure(response: httpx2.Response) -> Unavailable:
    """What to raise for an answer that says nothing against the address."""
    busy = response.status_code == 429 or response.status_code >= 500
    return (Unavailable if busy else Refused)(retry_after=retry_after(response))


def retry_after(response: httpx2.Response) -> float | None:
    """Seconds, from a number or a date (RFC 9110 §10.2.3); None for neither."""
    given = response.headers.get("Retry-After", "")
    seconds = float(given) if given.isdecimal() else _seconds_until(given)
    return None if seconds is None else min(max(seconds, 0.0), RETRY_AFTER_SECONDS_MAX)


def _seconds_until(given: str) -> float | None:
    try:
        at = parsedate_to_datetime(given)
    except ValueError:
        return None
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)  # "-0000" says no zone, and means UTC
    return (aware - datetime.now(UTC)).total_seconds()
