"""Realtime servers and phones for tests with Redis servers of their own."""

from tests.realtime.conftest import server, stack, start_phone, start_server

__all__ = ["server", "stack", "start_phone", "start_server"]
