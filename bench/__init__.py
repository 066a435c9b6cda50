"""Measurements: what a delivery, an event and a connection cost, next to peers in the same run."""
