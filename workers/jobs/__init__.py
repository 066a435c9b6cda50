"""The product's jobs; importing this package registers them."""

from workers.jobs import activity, care, digest, notify, points, push, scan, score, streaks

__all__ = ["activity", "care", "digest", "notify", "points", "push", "scan", "score", "streaks"]
