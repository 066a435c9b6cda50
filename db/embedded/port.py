"""Loopback ports for the stores."""

import random
import socket

LOOPBACK = "127.0.0.1"
# Below the kernel's ephemeral range (from 32768), so that no outgoing connection takes
# the port between our choosing it and the store's binding it.
FIRST, LAST = 15_000, 32_000
TRIES = 200


def free_port(preferred: int | None = None) -> int:
    """`preferred` when nobody listens on it, else a random free loopback port.

    Nobody else who asks is given it while this process lives, however late its server binds it.
    Raises OSError when none of many candidates is free.
    """
    for port in ([preferred] if preferred else []) + random.sample(range(FIRST, LAST), TRIES):
        if is_free(port) and claim(port):
            return port
    raise OSError(f"no free port on {LOOPBACK} between {FIRST} and {LAST}")


def is_free(port: int) -> bool:
    """Whether a server could bind `port` on the loopback address now."""
    with socket.socket() as probe:
        # As the stores do: connections of a server stopped a moment ago do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def claim(port: int) -> bool:
    """Take the number for this process; False when it is taken.

    A UDP socket on it is the claim: every process sees it, no TCP server minds it, and it ends with us.
    """
    claimed = socket.socket(type=socket.SOCK_DGRAM)
    try:
        claimed.bind((LOOPBACK, port))
    except OSError:
        claimed.close()
        return False
    claimed.detach()  # open until the process ends
    return True
