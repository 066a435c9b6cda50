"""What PostgreSQL knows of an account beside the account: deleted, or left to a stand-in, chunk by chunk."""

from db.postgres.statements import Db
from domain.belongings import BelongingKind

# $1 is the account, $2 its stand-in, $3 how many rows at most.
CHUNK = "ctid = any (array (select ctid from {table} where {whose} limit $3))"


def deleted(table: str, whose: str = "account_id = $1::uuid") -> str:
    chunk = CHUNK.format(table=table, whose=whose)
    return f"delete from {table} where {chunk} and $2::uuid is not null"


def changed_to(table: str, changes: str, whose: str) -> str:
    chunk = CHUNK.format(table=table, whose=whose)
    return f"update {table} set {changes} where {chunk} and $2::uuid is not null"


STATEMENTS: dict[BelongingKind, tuple[str, ...]] = {
    "trackers": (deleted("trackers"),),
    "blocks": (deleted("blocks", "blocker_id = $1::uuid"), deleted("blocks", "blocked_id = $1::uuid")),
    "devices": (deleted("devices"),),
    "notifications": (deleted("notifications"),),
    "preferences": (deleted("notification_preferences"),),
    "helping": (deleted("helper_settings"),),
    "attention": (deleted("sos_asked"), deleted("sos_seen")),
    "ladders": (changed_to("sos_ladders", "author_id = $2::uuid", "author_id = $1::uuid"),),
    "activities": (deleted("activities"),),
    "points": (
        changed_to(
            "points_ledger",
            """account_id = $2::uuid, key = replace(key, ($1::uuid)::text, ($2::uuid)::text),
            ref = ($2::uuid)::text""",
            "account_id = $1::uuid",
        ),
        changed_to("points_ledger", "receiver_id = $2::uuid", "receiver_id = $1::uuid"),
    ),
    "thanks": (
        deleted("thanks", "helper_id = $1::uuid"),
        changed_to("thanks", "thanker_id = $2::uuid", "thanker_id = $1::uuid"),
    ),
    "reports": (
        changed_to("reports", "reporter_id = null, note = ''", "reporter_id = $1::uuid"),
        changed_to("reports", "target_id = $2::uuid", "target = 'user' and target_id = $1::uuid"),
    ),
    "moderation": (
        changed_to(
            "cases",
            """subject_id = $2::uuid, note = '',
            target_id = case when target_id = $1::uuid then $2::uuid else target_id end""",
            "subject_id = $1::uuid",
        ),
        changed_to("cases", "closed_by = $2::uuid", "closed_by = $1::uuid"),
        changed_to("cases", "claimed_by = null, claimed_until = null", "claimed_by = $1::uuid"),
        changed_to("cases", "barred = array_replace(barred, $1::uuid, $2::uuid)", "$1::uuid = any (barred)"),
        changed_to(
            "decisions",
            """subject_id = $2::uuid, reason = '', earlier = null,
            target_id = case when target_id = $1::uuid then $2::uuid else target_id end""",
            "subject_id = $1::uuid",
        ),
        changed_to("decisions", "moderator_id = $2::uuid", "moderator_id = $1::uuid"),
    ),
}


class BelongingRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def forget(self, kind: BelongingKind, account_id: str, stand_in: str, limit: int) -> int:
        taken = 0
        for statement in STATEMENTS[kind]:
            status = await self.db.execute(statement, account_id, stand_in, limit)
            taken += int(status.rpartition(" ")[2])
        return taken
