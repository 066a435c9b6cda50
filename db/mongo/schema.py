"""Validators and indexes of MongoDB, applied idempotently beside the PostgreSQL migrations.

`key` is the id again: the embedded server cannot page on `_id`, and MongoDB pages on either. A page
always has an equality in front of its range.
"""

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import CollectionInvalid, OperationFailure

from db.mongo.database import Document, Mongo, reachable

NAMESPACE_EXISTS = 48

STRING, DATE, INTEGER = {"bsonType": "string"}, {"bsonType": "date"}, {"bsonType": ["int", "long"]}


def required(**properties: Document) -> Document:
    return {"$jsonSchema": {"bsonType": "object", "required": sorted(properties), "properties": properties}}


VALIDATORS: dict[str, Document] = {
    "posts": required(
        _id=STRING,
        key=STRING,
        author_id=STRING,
        client_id=STRING,
        type={"enum": ["sos", "check_in", "victory", "question"]},
        content=STRING,
        status={"enum": ["live", "held", "hidden", "removed", "closed", "expired"]},
        rooms={"bsonType": "array"},
        urgency=INTEGER,
        created_at=DATE,
        expires_at=DATE,
    ),
    "responses": required(
        _id=STRING,
        key=STRING,
        post_id=STRING,
        author_id=STRING,
        client_id=STRING,
        type={"enum": ["text", "voice"]},
        status={"enum": ["live", "held", "hidden", "removed", "expired"]},
        created_at=DATE,
    ),
    "checkins": required(
        _id=STRING,
        tracker_id=STRING,
        account_id=STRING,
        kind={"enum": ["check_in", "slip"]},
        at=DATE,
        recorded_at=DATE,
        day=STRING,
        timezone=STRING,
    ),
    "cravings": required(
        _id=STRING, tracker_id=STRING, account_id=STRING, at=DATE, recorded_at=DATE, timezone=STRING
    ),
    "voice_notes": required(
        _id=STRING,
        author_id=STRING,
        client_id=STRING,
        content_type=STRING,
        bytes=INTEGER,
        state={"enum": ["unused", "claimed", "answered"]},
        stored={"bsonType": "bool"},
        created_at=DATE,
        touched_at=DATE,
    ),
    "supports": required(_id=STRING, post_id=STRING, giver_id=STRING, kind=STRING, created_at=DATE),
}

INDEXES: dict[str, list[IndexModel]] = {
    "posts": [
        IndexModel([("author_id", ASCENDING), ("client_id", ASCENDING)], name="author_client", unique=True),
        IndexModel([("rooms", ASCENDING), ("key", DESCENDING)], name="room_recent"),
        IndexModel([("rooms", ASCENDING), ("urgency", DESCENDING), ("key", DESCENDING)], name="room_urgent"),
        IndexModel(
            [("rooms", ASCENDING), ("responses", ASCENDING), ("key", DESCENDING)], name="room_waiting"
        ),
        IndexModel([("author_id", ASCENDING), ("key", DESCENDING)], name="author_recent"),
        IndexModel([("status", ASCENDING), ("created_at", ASCENDING)], name="status_created"),
        IndexModel([("status", ASCENDING), ("expires_at", ASCENDING)], name="status_expires"),
        IndexModel([("status", ASCENDING), ("key", DESCENDING)], name="status_recent"),
    ],
    "responses": [
        IndexModel([("author_id", ASCENDING), ("client_id", ASCENDING)], name="author_client", unique=True),
        IndexModel([("status", ASCENDING), ("created_at", ASCENDING)], name="status_created"),
        IndexModel([("post_id", ASCENDING), ("status", ASCENDING), ("key", ASCENDING)], name="post_thread"),
        IndexModel([("author_id", ASCENDING), ("key", DESCENDING)], name="author_recent"),
        IndexModel(
            [("author_id", ASCENDING), ("thanked", ASCENDING)],
            name="author_thanked",
            partialFilterExpression={"thanked": True},
        ),
    ],
    "checkins": [
        IndexModel([("tracker_id", ASCENDING), ("at", ASCENDING)], name="tracker_time"),
        IndexModel([("recorded_at", ASCENDING)], name="recorded"),
        IndexModel([("account_id", ASCENDING), ("_id", ASCENDING)], name="account_page"),
    ],
    "cravings": [
        IndexModel([("account_id", ASCENDING), ("at", DESCENDING)], name="account_recent"),
        IndexModel([("account_id", ASCENDING), ("_id", ASCENDING)], name="account_page"),
    ],
    "voice_notes": [
        IndexModel(
            [("author_id", ASCENDING), ("client_id", ASCENDING)],
            name="author_client",
            unique=True,
            partialFilterExpression={"stored": True},
        ),
        IndexModel([("author_id", ASCENDING), ("created_at", ASCENDING)], name="author_recent"),
        IndexModel([("state", ASCENDING), ("touched_at", ASCENDING)], name="state_touched"),
        IndexModel([("post_id", ASCENDING)], name="post"),
    ],
    "supports": [
        IndexModel([("post_id", ASCENDING), ("giver_id", ASCENDING)], name="post_giver"),
        IndexModel([("giver_id", ASCENDING), ("post_id", ASCENDING)], name="giver_post"),
    ],
}


async def apply_schema(database: Mongo) -> None:
    """Makes what is missing and replaces changed validators; any number of processes may call it at once."""
    with reachable():
        for collection, validator in VALIDATORS.items():
            await _apply_validator(database, collection, validator)
            await database[collection].create_indexes(INDEXES[collection])


async def _apply_validator(database: Mongo, collection: str, validator: Document) -> None:
    try:
        await database.create_collection(collection, validator=validator)
    except (CollectionInvalid, OperationFailure) as error:
        if isinstance(error, OperationFailure) and error.code not in {None, NAMESPACE_EXISTS}:
            raise
        await database.command("collMod", collection, validator=validator)
