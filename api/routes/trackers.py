"""One's own trackers and progress, and what a circle comes to together."""

from api.route import Routes
from domain import progress, trackers
from domain.accounts import User
from domain.pages import Page
from domain.ports import Ports
from domain.progress import CircleProgress, OneCircle, ProgressView
from domain.trackers import CreateTracker, TrackerView
from domain.wire import Nothing

routes = Routes()


@routes.signed_in("GET", "/v1/me/trackers")
async def get_trackers(_: Nothing, user: User, ports: Ports) -> Page[TrackerView]:
    """My trackers, oldest first."""
    return await trackers.my_trackers(user, ports)


@routes.signed_in("POST", "/v1/me/trackers")
async def create_tracker(command: CreateTracker, user: User, ports: Ports) -> TrackerView:
    """Makes the tracker of a category, or answers the one there is; a `timezone` that is sent moves it."""
    return await trackers.create_tracker(command, user, ports)


@routes.signed_in("GET", "/v1/me/progress")
async def get_progress(_: Nothing, user: User, ports: Ports) -> ProgressView:
    """Runs, cravings by hour and trigger and how they passed, days of activity, the last week."""
    return await progress.my_progress(user, ports)


@routes.signed_in("GET", "/v1/circles/{circle_id}/progress")
async def get_circle_progress(query: OneCircle, user: User, ports: Ports) -> CircleProgress:
    """What the members of a circle come to together; nothing of fewer than twenty people."""
    return await progress.circle_progress(query, user, ports)
