"""Time as the product tells it: aware UTC, milliseconds, RFC 3339."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_now() -> datetime:
    """Now, in UTC, cut to milliseconds (what the wire and MongoDB keep)."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def rfc3339(moment: datetime) -> str:
    """`2026-01-31T02:04:05.006Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
