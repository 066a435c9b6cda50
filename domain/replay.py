"""Replay: what a room's log holds, as things are now: without what is gone, in the words that stand.

A log keeps events as they were told. Whatever changed since was told in the same room, and later than what it
changed; so the log itself says what must not be told again, and asking it costs no store anything.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from domain.rooms import REMOVALS, Logged

CHANGES = frozenset(
    {"post:changed", "response:changed", "support:changed", "circle:changed", "circle:invited"}
)
"""An invitation is told again when what it says of its circle is taken away."""
STAYING = REMOVALS | {"crisis:offer"}
"""Help that was offered stays offered, whatever became of the post that called for it."""
READ_KEPT = 2048
STRETCHES_KEPT = 16
"""What was worked out is kept for so many events, and for so many long replays: a crowd that comes back
replays the same ones. Both hold texts, so they are few.
"""
LONG = 50
"""A replay of fewer events is worked out anew."""
DATA = b'"data":'
"""Where the data of an envelope begins; what stands before it are ids and times of ours."""


class Named(msgspec.Struct):
    id: str
    post_id: str | None = None
    edited_at: str | None = None


class Refs(msgspec.Struct):
    """The ids in the data of an event, wherever they stand."""

    post_id: str | None = None
    response_id: str | None = None
    post: Named | None = None
    response: Named | None = None
    circle: Named | None = None
    invitation: Named | None = None
    counts: dict[str, int] | None = None


class Told(msgspec.Struct):
    data: Refs
    at: str = ""


class About(NamedTuple):
    """What an event is about: the response and the post, the smaller thing first.

    `text` names the one whose words (or counts) it carries, `edited_at` says how new they are.
    """

    ids: tuple[str, ...]
    at: str
    text: str | None
    edited_at: str


Removals = Mapping[str, tuple[int, str]]
"""The seq and the time of the last removal of each thing."""

_told = msgspec.json.Decoder(Told)


class Stretch:
    """Events of one log in a row, the same as others with the same bodies in the same places."""

    __slots__ = ("events", "key")

    def __init__(self, events: Sequence[Logged]) -> None:
        first, last = events[0], events[-1]
        self.events = events
        self.key = first.epoch, first.seq, last.seq, hash(tuple(event.body for event in events))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stretch) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def as_it_is(events: Sequence[Logged]) -> Sequence[Logged]:
    """Leaves out what was said before it was removed, and lets the newest words of a text speak for all of
    its tellings, as the newest counts do. A removal stays, for those who heard what came before it.
    """
    if not any(event.event in REMOVALS or event.event in CHANGES for event in events):
        return events
    return _kept(Stretch(events)) if len(events) >= LONG else _as_it_is(events)


@functools.lru_cache(STRETCHES_KEPT)
def _kept(stretch: Stretch) -> Sequence[Logged]:
    return _as_it_is(stretch.events)


def _as_it_is(events: Sequence[Logged]) -> Sequence[Logged]:
    gone, newest = _removals(events), _newest(events)
    return [_in_words_of(event, newest) for event in events if not _is_gone(event, gone)]


@functools.lru_cache(READ_KEPT)
def about(event: Logged) -> About:
    told = _told.decode(event.body)
    refs = told.data
    named = refs.response or refs.post or refs.circle or refs.invitation
    post = refs.post.id if refs.post else refs.post_id or (refs.response.post_id if refs.response else None)
    response = refs.response.id if refs.response else refs.response_id
    return About(
        ids=tuple(id for id in (response, post) if id),
        at=told.at,
        text=named.id if named else f"counts of {refs.post_id}" if refs.counts is not None else None,
        edited_at=(named.edited_at if named else None) or "",
    )


def _removals(events: Sequence[Logged]) -> Removals:
    removed = [event for event in events if event.event in REMOVALS]
    return {about(event).ids[0]: (event.seq, about(event).at) for event in removed}


def _is_gone(event: Logged, gone: Removals) -> bool:
    """Told before the removal, or composed before it and told just after."""
    if event.event in STAYING:
        return False
    found = [gone[id] for id in about(event).ids if id in gone]
    return any(event.seq < seq or about(event).at < at for seq, at in found)


def _newest(events: Sequence[Logged]) -> Mapping[str, Logged]:
    """The telling that holds the newest words of each text."""
    newest: dict[str, Logged] = {}
    for event in events:
        text = about(event).text
        if text and (text not in newest or _age(event) >= _age(newest[text])):
            newest[text] = event
    return newest


def _age(event: Logged) -> tuple[str, bool, int]:
    """A change that was told before the text itself is newer all the same."""
    return about(event).edited_at, event.event in CHANGES, event.seq


def _in_words_of(event: Logged, newest: Mapping[str, Logged]) -> Logged:
    text = about(event).text
    return event if text is None or newest[text] is event else _reworded(event, newest[text])


@functools.lru_cache(READ_KEPT)
def _reworded(event: Logged, newest: Logged) -> Logged:
    head, _, _ = event.body.partition(DATA)
    _, _, words = newest.body.partition(DATA)
    return event._replace(body=head + DATA + words, shares=newest.shares)
