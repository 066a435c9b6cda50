"""Matching: whom to ask about an SOS, from those who may be asked. Pure computing."""

from collections.abc import Mapping, Sequence

import msgspec

ASKED_MIN = 5
"""So many are asked while anybody is there, even when nobody fits or all have their hands full."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may be asked; `open` is about how many unanswered SOS they were asked already."""

    account_id: str
    opted_in: bool
    categories: list[str]
    languages: list[str]
    max_open: int
    open: int

    @property
    def is_free(self) -> bool:
        return self.open < self.max_open


class Need(msgspec.Struct, frozen=True):
    """What an SOS asks for; None for a language that could not be told."""

    categories: Sequence[str]
    language: str | None


def helps_with(candidate: Candidate, need: Need) -> bool:
    """A helper who names no category helps with any, and an SOS without one is for everybody."""
    theirs = set(candidate.categories)
    return not theirs or not need.categories or not theirs.isdisjoint(need.categories)


def speaks(candidate: Candidate, need: Need) -> bool:
    return not candidate.languages or need.language is None or need.language in candidate.languages


def chosen(
    candidates: Sequence[Candidate], need: Need, thanked: Mapping[str, int], *, asked_already: int = 0
) -> list[str]:
    """All who fit and have a hand free, best first; others too where fewer than `ASKED_MIN` would be asked.

    `thanked` says how often each was thanked for an answer. `asked_already` are still there.
    """
    ranked = sorted(candidates, key=lambda one: (-thanked.get(one.account_id, 0), one.open, one.account_id))
    ranked.sort(key=lambda one: _distance(one, need))
    suited = sum(not any(_distance(one, need)) for one in ranked)
    return [one.account_id for one in ranked[: max(suited, ASKED_MIN - asked_already)]]


def _distance(candidate: Candidate, need: Need) -> tuple[bool, bool, bool]:
    """How far somebody is from fitting and being free: another language is further than another category."""
    return (not speaks(candidate, need), not helps_with(candidate, need), not candidate.is_free)


def on_call(moderators: Sequence[Candidate]) -> list[str]:
    """Those who opted in; everybody where nobody did, because somebody has to come."""
    chosen_ones = [one for one in moderators if one.opted_in] or moderators
    return [one.account_id for one in chosen_ones]
