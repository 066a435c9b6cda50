"""Actors: classes whose marked methods answer client events."""
