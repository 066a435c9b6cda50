"""The product's jobs; importing this package registers them."""

from workers.jobs import activity, care, notify, points, push, scan, score

__all__ = ["activity", "care", "notify", "points", "push", "scan", "score"]
