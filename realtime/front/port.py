"""Holding a port for processes that will share it."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def reserved(host: str, port: int) -> Iterator[int]:
    """The port (a free one for 0), kept from others as long as this lasts. Raises OSError if it is taken.

    A shared port would be shared with a second server that was started by mistake, too: so it is asked for
    alone first. Nothing is accepted by the sockets that hold it.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    with ExitStack() as stack:
        for family, address in {(family, address[0]) for family, _, _, _, address in found}:
            with _bound(family, address, port) as alone:
                port = alone.getsockname()[1]
            stack.enter_context(_bound(family, address, port, shared=True))
        yield port


def _bound(family: int, address: str | int, port: int, *, shared: bool = False) -> socket.socket:
    held = socket.socket(family, socket.SOCK_STREAM)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
        if family == socket.AF_INET6:
            held.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        held.bind((address, port))
    except OSError:
        held.close()
        raise
    return held
