"""The product's jobs; importing this package registers them."""

from workers.jobs import (
    activity,
    care,
    decisions,
    digest,
    echoes,
    erasure,
    ladder,
    listening,
    notify,
    points,
    push,
    rescan,
    scan,
    score,
    shares,
    streaks,
)

__all__ = [
    "activity",
    "care",
    "decisions",
    "digest",
    "echoes",
    "erasure",
    "ladder",
    "listening",
    "notify",
    "points",
    "push",
    "rescan",
    "scan",
    "score",
    "shares",
    "streaks",
]
