"""Logs: events with static names and id fields, one JSON line each, or coloured lines on a terminal.

Nothing private is ever passed to a logger; `without_private_fields` is the belt beside those braces.
"""

import logging
import logging.config
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog
from aiohttp.http_exceptions import HttpProcessingError

PRIVATE = frozenset(
    {
        "authorization",
        "content",
        "cookie",
        "email",
        "handle",
        "ip",
        "note",
        "password",
        "remote",
        "text",
        "token",
    }
)

Event = MutableMapping[str, Any]


def configure_logs(level: str, form: Literal["auto", "json", "console"], *, process: str) -> None:
    """Sends structlog's and the standard library's records the same way, to standard error."""
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    renderer: Any = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        lambda _, __, event: {**event, "process": process},
        without_private_fields,
        frames_only if not console else structlog.processors.format_exc_info,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for quiet in (
        "aiohttp.access",
        "arq",
        "engineio",
        "socketio",
        "pymongo",
        "alembic",
        "httpx2",
        "httpcore2",
    ):
        logging.getLogger(quiet).setLevel(logging.WARNING)
    # aiohttp names the client's address there when somebody sends what is not HTTP.
    logging.getLogger("aiohttp.server").addFilter(without_address)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def without_address(record: logging.LogRecord) -> bool:
    """Keeps that it happened, not who it was or what they sent.

    What strangers send is no error of ours; what a handler let through is, and says where it happened.
    """
    error = record.exc_info[1] if record.exc_info else None
    record.args = ()
    if error is None or isinstance(error, HttpProcessingError):
        record.msg, record.exc_info = "http.malformed_request", None
        record.levelno, record.levelname = logging.INFO, "INFO"
    else:
        record.msg = "http.failed"
    return True


def without_private_fields(_: Any, __: str, event: Event) -> Event:
    """Drops the values of fields that may hold what identifies somebody."""
    for name in PRIVATE.intersection(event):
        event[name] = "[private]"
    return event


def frames_only(_: Any, __: str, event: Event) -> Event:
    """An exception as its class and where it happened; its message may quote what somebody wrote."""
    info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["frames"] = [f"{frame.f_code.co_filename}:{line}" for frame, line in frames_of(error)][-12:]
    return event


def frames_of(error: BaseException) -> list[tuple[Any, int]]:
    found, trace = [], error.__traceback__
    while trace is not None:
        found.append((trace.tb_frame, trace.tb_lineno))
        trace = trace.tb_next
    return found
