"""Kinds of notifications, and what goes without saying for each."""

from typing import Literal, NamedTuple, get_args

NotificationKind = Literal[
    "response",
    "support",
    "thanks",
    "sos",
    "follow_up",
    "digest",
    "milestone",
    "moderation",
    "invitation",
    "case",
]

HOUR = 3600


class KindPolicy(NamedTuple):
    """`pushed`: unless somebody says otherwise. `ttl_seconds`: later than that, a push only disturbs."""

    pushed: bool
    ttl_seconds: int
    required: bool = False
    """Cannot be turned off in the app."""


POLICIES: dict[NotificationKind, KindPolicy] = {
    "response": KindPolicy(pushed=True, ttl_seconds=24 * HOUR),
    "support": KindPolicy(pushed=False, ttl_seconds=12 * HOUR),
    "thanks": KindPolicy(pushed=False, ttl_seconds=24 * HOUR),
    "sos": KindPolicy(pushed=True, ttl_seconds=600),
    "follow_up": KindPolicy(pushed=True, ttl_seconds=24 * HOUR),
    "digest": KindPolicy(pushed=False, ttl_seconds=24 * HOUR),
    "milestone": KindPolicy(pushed=True, ttl_seconds=24 * HOUR),
    "moderation": KindPolicy(pushed=True, ttl_seconds=24 * HOUR, required=True),
    "invitation": KindPolicy(pushed=True, ttl_seconds=24 * HOUR),
    "case": KindPolicy(pushed=True, ttl_seconds=HOUR),
}

KINDS: tuple[NotificationKind, ...] = get_args(NotificationKind)
