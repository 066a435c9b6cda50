"""The contract of the socket as data: what clients send and are answered, and what servers tell."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, get_type_hints

from domain.cases import CaseOpened
from domain.circles import CircleChanged, MemberChange
from domain.invitations import CircleInvited
from domain.ladder import Attention
from domain.notices import ModerationNotice
from domain.notifications import NotificationNew
from domain.posts import PostAnswer, PostRemoved
from domain.presence import PresenceChanged, TypingChanged
from domain.responses import ResponseAnswer, ResponseRemoved
from domain.scanning import CrisisOffer
from domain.support import PointsChanged, SupportChanged
from domain.thanks import Thanked
from domain.trackers import TrackerMilestone
from realtime.actor import marked_methods
from realtime.entrance import Ready
from realtime.sessions import SessionEnded

EVENTS: Mapping[str, Any] = {
    "post:new": PostAnswer,
    "post:changed": PostAnswer,
    "post:removed": PostRemoved,
    "response:new": ResponseAnswer,
    "response:changed": ResponseAnswer,
    "response:removed": ResponseRemoved,
    "support:changed": SupportChanged,
    "sos:attention": Attention,
    "circle:member": MemberChange,
    "circle:changed": CircleChanged,
    "circle:invited": CircleInvited,
    "notification:new": NotificationNew,
    "points:changed": PointsChanged,
    "tracker:milestone": TrackerMilestone,
    "moderation:notice": ModerationNotice,
    "crisis:offer": CrisisOffer,
    "presence:changed": PresenceChanged,
    "typing": TypingChanged,
    "support:thanked": Thanked,
    "moderation:case": CaseOpened,
    "ready": Ready,
    "session:ended": SessionEnded,
}
"""Server events and the type of their `data` (of the whole event for those that are `BARE`)."""

BARE = frozenset({"ready", "session:ended"})
"""Told to one client, in no room."""
PASSING = frozenset({"presence:changed", "typing"})
"""Told in a room and kept nowhere."""


class Exchange(NamedTuple):
    command: Any
    answer: Any


def exchanges(actors: Iterable[object]) -> dict[str, Exchange]:
    """Client events by name: what they carry and what their ack carries as `data`."""
    return {
        mark.event: Exchange(mark.command, get_type_hints(method)["return"])
        for actor in actors
        for mark, method in marked_methods(actor)
    }
