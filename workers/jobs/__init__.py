"""The product's jobs; importing this package registers them."""

from workers.jobs import activity, notify, scan, score

__all__ = ["activity", "notify", "scan", "score"]
