"""Stores that cannot be reached."""

from dataclasses import fields, replace
from typing import Any, NoReturn

from domain.errors import Unavailable
from domain.events import Publication
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
    return replace(ports, content=Content(**{field.name: away for field in fields(Content)}))


def without_transactions(ports: Ports) -> Ports:
    """`ports` while PostgreSQL takes no writes."""

    def refuse() -> NoReturn:
        raise Unavailable

    return replace(ports, transaction=refuse)


def without_rooms(ports: Ports) -> Ports:
    """`ports` while the room logs are down."""
    away: Any = Away()
    return replace(ports, rooms=away)


def without_room(ports: Ports, room: str) -> Ports:
    """`ports` while the server that holds this room is down."""

    class Partly:
        def __getattr__(self, name: str) -> Any:
            return getattr(ports.rooms, name)

        async def publish(self, publication: Publication) -> int:
            if publication.room == room:
                raise Unavailable
            return await ports.rooms.publish(publication)

    return replace(ports, rooms=Partly())
