"""Belongings: what PostgreSQL knows of an account beside the account, by kind, for an erasure."""

from typing import Literal

BelongingKind = Literal[
    "trackers",
    "blocks",
    "devices",
    "notifications",
    "preferences",
    "helping",
    "attention",
    "ladders",
    "activities",
    "points",
    "thanks",
    "reports",
    "moderation",
]
"""`ladders`, `points`, `thanks`, `reports` and `moderation` are needed by others: there a stand-in or nobody
takes the account's place, and what it wrote is emptied. The rest is deleted."""
