"""A client that asks and does not read: what it was answered is not kept for it without end."""

import socket
from contextlib import suppress

from aiohttp import web

LARGE_BYTES = 16 * 1024
"""Smaller answers are not worth the question to the kernel."""
UNREAD_SECONDS = 60
"""Longer than a phone is in a tunnel."""
USER_TIMEOUT = getattr(socket, "TCP_USER_TIMEOUT", None)
"""None where the system knows no such option."""


def give_up_unread(request: web.Request, response: web.StreamResponse) -> None:
    """Has the kernel end the connection when nothing of a large answer is taken for so long (RFC 5482)."""
    size = response.content_length or 0
    if USER_TIMEOUT is None or size < LARGE_BYTES or request.transport is None:
        return
    connection = request.transport.get_extra_info("socket")
    # Who has hung up already reads nothing either.
    with suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, USER_TIMEOUT, UNREAD_SECONDS * 1000)
