"""What the application carries."""

from collections.abc import Callable

from aiohttp import web

from domain.ports import Ports
from telemetry.exposition import Exposition

Readiness = dict[str, Callable[[], bool]]

PORTS = web.AppKey("PORTS", Ports)
EXPOSITION = web.AppKey("EXPOSITION", Exposition)
READINESS: web.AppKey[Readiness] = web.AppKey("READINESS", dict)
"""What must hold besides the stores before this process takes traffic, by name. Entry points add to it."""
PATHS: web.AppKey[frozenset[str]] = web.AppKey("PATHS", frozenset)
"""The path templates of this package; whatever else is attached to the application looks after itself."""
