"""How much of one thing one person may do in a while."""

import math

from domain.errors import RateLimited
from domain.ports import Ports

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600


async def check(scope: str, key: str, limit: int, window_seconds: int, ports: Ports) -> None:
    """Counts one, or refuses with the seconds to wait."""
    wait = await ports.limits.wait_seconds(scope, key, limit, window_seconds)
    if wait > 0:
        raise RateLimited(retry_after=math.ceil(wait))
