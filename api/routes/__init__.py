"""Every route under `/v1`, one module for each noun."""

from api.routes import (
    auth,
    circles,
    crisis,
    devices,
    erasures,
    exports,
    helping,
    me,
    moderation,
    notifications,
    posts,
    preferences,
    rooms,
    stats,
    trackers,
    voice_notes,
)

MODULES = (
    auth,
    me,
    notifications,
    preferences,
    devices,
    posts,
    circles,
    rooms,
    crisis,
    stats,
    trackers,
    moderation,
    helping,
    erasures,
    exports,
    voice_notes,
)

ROUTES = [route for module in MODULES for route in module.routes.table]
