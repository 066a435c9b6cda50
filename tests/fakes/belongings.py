"""What is known of an account beside the account, in memory."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from domain.belongings import BelongingKind
from tests.fakes.tables import Tables

Rows = dict[Any, Any]
Change = Callable[[Any, str, str], Any]
"""The row that is left of (row, account, stand-in); None for none."""


class FakeBelongings:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def forget(self, kind: BelongingKind, account_id: str, stand_in: str, limit: int) -> int:
        return sum(
            self._forget(table, match, change, account_id, stand_in, limit)
            for table, match, change in KINDS[kind]
        )

    def _forget(
        self,
        table: str,
        match: Callable[[Any, Any, str], bool],
        change: Change | None,
        account_id: str,
        stand_in: str,
        limit: int,
    ) -> int:
        rows: Rows = getattr(self._tables, table)
        found = [key for key, row in rows.items() if match(key, row, account_id)][:limit]
        for key in found:
            row = rows.pop(key)
            if change is not None:
                left = change(row, account_id, stand_in)
                rows[getattr(left, "key", key)] = left
        return len(found)


def of(name: str) -> Callable[[Any, Any, str], bool]:
    return lambda key, row, account_id: getattr(row, name) == account_id


def keyed(part: int | None = None) -> Callable[[Any, Any, str], bool]:
    return lambda key, row, account_id: (key if part is None else key[part]) == account_id


def stands_in(name: str, **more: Any) -> Change:
    return lambda row, account_id, stand_in: replace(row, **{name: stand_in, **more})


def left_subject(**emptied: str | None) -> Change:
    def change(row: Any, account_id: str, stand_in: str) -> Any:
        target_id = stand_in if row.target_id == account_id else row.target_id
        return replace(row, subject_id=stand_in, target_id=target_id, **emptied)

    return change


def given_points(row: Any, account_id: str, stand_in: str) -> Any:
    """A late job that looks for what was given finds nothing to take back."""
    return replace(row, account_id=stand_in, key=row.key.replace(account_id, stand_in), ref=stand_in)


def unbarred(row: Any, account_id: str, stand_in: str) -> Any:
    return replace(row, barred=[stand_in if id == account_id else id for id in row.barred])


KINDS: Mapping[BelongingKind, tuple[tuple[str, Callable[[Any, Any, str], bool], Change | None], ...]] = {
    "trackers": (("trackers", of("account_id"), None),),
    "blocks": (("blocks", keyed(0), None), ("blocks", keyed(1), None)),
    "devices": (("devices", of("account_id"), None),),
    "notifications": (("notifications", of("account_id"), None),),
    "preferences": (("preferences", keyed(), None),),
    "helping": (("helper_settings", keyed(), None),),
    "attention": (("asked", keyed(1), None), ("seen", keyed(1), None)),
    "ladders": (("ladders", of("author_id"), stands_in("author_id")),),
    "activities": (("activities", of("account_id"), None),),
    "points": (
        ("ledger", of("account_id"), given_points),
        ("ledger", of("receiver_id"), stands_in("receiver_id")),
    ),
    "thanks": (("thanks", of("helper_id"), None), ("thanks", of("thanker_id"), stands_in("thanker_id"))),
    "reports": (
        (
            "reports",
            of("reporter_id"),
            lambda row, account_id, stand_in: replace(row, reporter_id=None, note=""),
        ),
        ("reports", lambda key, row, id: (row.target, row.target_id) == ("user", id), stands_in("target_id")),
    ),
    "moderation": (
        ("cases", of("subject_id"), left_subject(note="")),
        ("cases", of("closed_by"), stands_in("closed_by")),
        (
            "cases",
            of("claimed_by"),
            lambda row, account_id, stand_in: replace(row, claimed_by=None, claimed_until=None),
        ),
        ("cases", lambda key, row, id: id in row.barred, unbarred),
        ("decisions", of("subject_id"), left_subject(reason="", earlier=None)),
        ("decisions", of("moderator_id"), stands_in("moderator_id")),
    ),
}
