"""A fast Socket.IO engine on aiohttp. `Server` is a `socketio.AsyncServer` with a raw path beside it."""

from realtime.engine.bounds import Bounds
from realtime.engine.connection import Connection
from realtime.engine.counters import Counters
from realtime.engine.frame import Frame
from realtime.engine.server import ConnectionRefused, Server

__all__ = ["Bounds", "Connection", "ConnectionRefused", "Counters", "Frame", "Server"]
