"""Cravings: when they come, what brings them, and how they pass."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from domain import moments, trackers
from domain.accounts import User
from domain.activity import activity_job
from domain.crisis import CrisisResources
from domain.errors import Invalid, NotFound
from domain.moments import Moment
from domain.ports import Ports
from domain.trackers import Tracker, TrackerView
from domain.wire import Id, View

FOLLOWED_WITHIN = timedelta(hours=24)
"""A later look back tells of another craving."""
EPISODES_MIN = 5
"""Of fewer followed cravings nothing is said about when they usually fall."""
TRIGGERS_SHOWN = 20


class Craving(msgspec.Struct, frozen=True, kw_only=True):
    """A document of `cravings`; one that `follows` another says how that one is by now."""

    id: str
    tracker_id: str
    account_id: str
    follows: str | None
    at: datetime
    recorded_at: datetime
    timezone: str
    mood: int | None = None
    intensity: int | None = None
    triggers: list[str] = []
    resisted: bool | None = None
    note: str | None = None


class RecordCraving(Moment, frozen=True):
    """Data of `craving:record`. With `craving_id` it says how that craving is by now."""

    craving_id: Id | None = None


class CravingAnswer(View, frozen=True):
    """Ack data of `craving:record`; `craving_id` is what a later look back names."""

    tracker: TrackerView
    craving_id: str
    crisis: CrisisResources | None = None


class CravingSummary(View, frozen=True):
    """`by_hour` counts by the local hour, 0 to 23. `resisted_rate` is of those `answered` with yes or no.

    `falls_by_minute`: at least half of the `followed` cravings were at half of their peak or below by then,
    and had been resisted. One that was not seen to fall counts as not fallen. None of fewer than five, and
    where fewer than half fell.
    """

    count: int
    by_hour: list[int]
    by_trigger: dict[str, int]
    answered: int
    resisted: int
    resisted_rate: float | None
    followed: int
    falls_by_minute: int | None


class Episode(NamedTuple):
    """A craving and the looks back at it, in the order of time."""

    first: Craving
    later: list[Craving]


async def record_craving(command: RecordCraving, user: User, ports: Ports) -> CravingAnswer:
    """Says nothing about the streak: a craving is no slip."""
    tracker = await trackers.own_tracker(command.tracker_id, user, ports)
    craving = await _stored(command, tracker, user, ports)
    async with ports.transaction() as tx:
        owed = await tx.jobs.add([activity_job(user.id, "craving", craving.id, craving.at)])
    ports.announcer.announce(jobs=owed)
    return CravingAnswer(
        tracker=trackers.tracker_view(tracker, ports.now()),
        craving_id=craving.follows or craving.id,
        crisis=moments.offered_help(command, user),
    )


async def _stored(command: RecordCraving, tracker: Tracker, user: User, ports: Ports) -> Craving:
    id = moments.moment_id("craving", command)
    original = await ports.content.cravings.get(id) if command.client_id else None
    if original is not None:
        return original
    at = moments.moment_at(command, tracker, ports.now())
    follows = await _followed(command, at, ports) if command.craving_id else None
    await moments.check_rate(user, ports)
    return await ports.content.cravings.add(new_craving(id, command, tracker, at, follows, ports))


async def _followed(command: RecordCraving, at: datetime, ports: Ports) -> str:
    """The craving that is looked back at; raises `NotFound` for one of another tracker."""
    found = await ports.content.cravings.get(command.craving_id or "")
    if found is None or found.tracker_id != command.tracker_id:
        raise NotFound
    if not timedelta() <= at - found.at <= FOLLOWED_WITHIN:
        raise Invalid("Please look back at a craving of the last day.", field="occurred_at")
    return found.follows or found.id


def new_craving(
    id: str, command: RecordCraving, tracker: Tracker, at: datetime, follows: str | None, ports: Ports
) -> Craving:
    return Craving(
        id=id,
        tracker_id=tracker.id,
        account_id=tracker.account_id,
        follows=follows,
        at=at,
        recorded_at=ports.now(),
        timezone=tracker.timezone,
        mood=command.mood,
        intensity=command.intensity,
        triggers=command.triggers,
        resisted=command.resisted,
        note=moments.note_of(command),
    )


def episodes(cravings: Sequence[Craving]) -> list[Episode]:
    """Each craving with what was said of it later; a look back without its craving says nothing."""
    found = {craving.id: Episode(craving, []) for craving in cravings if craving.follows is None}
    for craving in sorted(cravings, key=lambda one: (one.at, one.recorded_at)):
        if craving.follows in found:
            found[craving.follows].later.append(craving)
    return list(found.values())


def summary(cravings: Sequence[Craving]) -> CravingSummary:
    all_episodes = episodes(cravings)
    answers = [answer for episode in all_episodes if (answer := was_resisted(episode)) is not None]
    triggers = Counter(trigger for episode in all_episodes for trigger in triggers_of(episode))
    hours = Counter(local_hour(episode.first) for episode in all_episodes)
    followed = [episode for episode in all_episodes if is_followed(episode)]
    return CravingSummary(
        count=len(all_episodes),
        by_hour=[hours[hour] for hour in range(24)],
        by_trigger=dict(sorted(triggers.items(), key=lambda one: (-one[1], one[0]))[:TRIGGERS_SHOWN]),
        answered=len(answers),
        resisted=sum(answers),
        resisted_rate=round(sum(answers) / len(answers), 3) if answers else None,
        followed=len(followed),
        falls_by_minute=usual_fall(followed),
    )


def local_hour(craving: Craving) -> int:
    return craving.at.astimezone(ZoneInfo(craving.timezone)).hour


def was_resisted(episode: Episode) -> bool | None:
    """The last that was said of it."""
    said = [one.resisted for one in (episode.first, *episode.later) if one.resisted is not None]
    return said[-1] if said else None


def triggers_of(episode: Episode) -> set[str]:
    return {trigger for one in (episode.first, *episode.later) for trigger in one.triggers}


def is_followed(episode: Episode) -> bool:
    """Its intensity is known at the beginning and at least once later."""
    return episode.first.intensity is not None and any(one.intensity is not None for one in episode.later)


def minutes_to_fall(episode: Episode) -> int | None:
    """Until it was first said to be at half of its peak or below; None if never, or if given in to."""
    if was_resisted(episode) is False:
        return None
    peak = episode.first.intensity or 0
    for one in episode.later:
        if one.intensity is None:
            continue
        if one.intensity * 2 <= peak:
            return ceil((one.at - episode.first.at) / timedelta(minutes=1))
        peak = max(peak, one.intensity)
    return None


def usual_fall(followed: Sequence[Episode]) -> int | None:
    """The minute by which at least half of them had fallen."""
    if len(followed) < EPISODES_MIN:
        return None
    fallen = sorted(minutes for episode in followed if (minutes := minutes_to_fall(episode)) is not None)
    half = ceil(len(followed) / 2)
    return fallen[half - 1] if len(fallen) >= half else None
