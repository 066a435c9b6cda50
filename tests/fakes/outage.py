"""Stores that cannot be reached."""

from dataclasses import replace
from typing import Any, NoReturn

from domain.errors import Unavailable
from domain.ports import Content, Ports


class Away:
    """Stands for any store while its server is down: every call is `Unavailable`."""

    def __getattr__(self, name: str) -> Any:
        async def refuse(*args: object, **options: object) -> NoReturn:
            raise Unavailable

        return refuse


def without_content(ports: Ports) -> Ports:
    """`ports` while MongoDB is down."""
    away: Any = Away()
    return replace(
        ports, content=Content(posts=away, responses=away, supports=away, checkins=away, cravings=away)
    )


def without_rooms(ports: Ports) -> Ports:
    """`ports` while the room logs are down."""
    away: Any = Away()
    return replace(ports, rooms=away)
