"""MongoDB connections: one client, majority and journal for every write, one language of failure."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from pymongo.errors import (
    AutoReconnect,
    ConnectionFailure,
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    ServerSelectionTimeoutError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from domain.errors import Unavailable

UNREACHABLE = (
    AutoReconnect,
    ConnectionFailure,
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    ServerSelectionTimeoutError,
    WTimeoutError,
    OSError,
)
IDLE_MILLISECONDS_MAX = 240_000
"""Below the 300 s after which the embedded server closes an idle connection."""

Document = dict[str, Any]
Mongo = AsyncIOMotorDatabase[Document]


@contextmanager
def reachable() -> Iterator[None]:
    """Tells the loss of MongoDB as `Unavailable`."""
    try:
        yield
    except UNREACHABLE as error:
        raise Unavailable from error


def open_database(uri: str, name: str, *, timeout_seconds: float) -> Mongo:
    """Connects at the first use. An acknowledged write is on a majority of disks."""
    milliseconds = int(timeout_seconds * 1000)
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
        uri,
        appname="anonymous-support",
        tz_aware=True,
        maxPoolSize=50,
        maxIdleTimeMS=IDLE_MILLISECONDS_MAX,
        serverSelectionTimeoutMS=milliseconds,
        connectTimeoutMS=milliseconds,
        socketTimeoutMS=milliseconds,
        waitQueueTimeoutMS=milliseconds,
        retryWrites=True,
        io_loop=asyncio.get_running_loop(),
    )
    return client.get_database(
        name,
        write_concern=WriteConcern(w="majority", j=True, wtimeout=milliseconds),
        read_concern=ReadConcern("majority"),
    )


def close_database(database: Mongo) -> None:
    database.client.close()
