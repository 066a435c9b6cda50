"""From labels to actions, by the table in `data/policy.toml`."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final, Literal

import msgspec

from domain.moderation import words
from domain.moderation.labels import AT_RISK, Label

Action = Literal[
    "allow", "ask_warning_label", "notify_moderators", "slow_down", "show_help", "mask", "hold", "hide"
]
Level = Literal["possible", "likely", "firm", "sure"]
FilterLevel = Literal["strict", "standard", "lenient"]
Trust = Literal["new", "known", "trusted"]
Kind = Literal["sos", "check_in", "victory", "question", "response", "voice", "circle", "profile"]

HOLDING: Final[frozenset[Action]] = frozenset({"hold", "slow_down"})
"""An SOS is spared them: it stays where helpers see it, and moderators look at what else it is."""

LEVELS: Final[Mapping[Level, int]] = {"possible": 1, "likely": 2, "firm": 3, "sure": 4}


class ScanContext(msgspec.Struct, frozen=True, kw_only=True):
    """Who says it and where.

    `contacts_allowed` is a circle's rule (a circle of people who know each other); `safe_links` are hosts
    that are neither masked nor counted as a contact.
    """

    kind: Kind = "check_in"
    trust: Trust = "known"
    filter_level: FilterLevel = "standard"
    contacts_allowed: bool = False
    safe_links: frozenset[str] = frozenset()


class PolicyRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    labels: tuple[Label, ...]
    level: Level
    actions: tuple[Action, ...]
    filter: tuple[FilterLevel, ...] = ("strict", "standard", "lenient")
    trust: tuple[Trust, ...] = ("new", "known", "trusted")
    kind: tuple[Kind, ...] = (
        "sos",
        "check_in",
        "victory",
        "question",
        "response",
        "voice",
        "circle",
        "profile",
    )


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`order` ranks actions from weakest to strongest; `restrictive` are those a person at risk is spared."""

    order: tuple[Action, ...]
    restrictive: tuple[Action, ...]
    rule: tuple[PolicyRule, ...]


@cache
def table() -> Table:
    """The shipped policy table."""
    return msgspec.convert(tomllib.loads((words.DATA / "policy.toml").read_text(encoding="utf-8")), Table)


def decide(
    levels: Mapping[Label, Level], context: ScanContext, *, maskable: bool, english: bool = True
) -> tuple[Action, ...]:
    """Actions for a text, strongest first; `("allow",)` when nothing applies.

    `levels` has the labels that are at least possible; `maskable` says that contact details were located.
    """
    chosen = {action for rule in table().rule if _applies(rule, levels, context) for action in rule.actions}
    if "mask" in chosen:
        chosen = (chosen - {"mask"}) | _instead_of_mask(levels, context, maskable)
    if context.kind == "sos" and (held := chosen & HOLDING):
        chosen = (chosen - held) | {"notify_moderators"}
    if at_risk(levels) or not english:
        chosen = chosen - set(table().restrictive)
    return _strongest_first(chosen)


def at_risk(levels: Mapping[Label, Level]) -> bool:
    """Whether somebody may be in danger."""
    return any(holds(levels.get(label)) for label in AT_RISK)


def holds(level: Level | None) -> bool:
    """Whether a label of that level holds."""
    return level is not None and LEVELS[level] >= LEVELS["likely"]


def _applies(rule: PolicyRule, levels: Mapping[Label, Level], context: ScanContext) -> bool:
    here = context.filter_level in rule.filter and context.trust in rule.trust and context.kind in rule.kind
    return here and any(
        LEVELS[levels[label]] >= LEVELS[rule.level] for label in rule.labels if label in levels
    )


def _instead_of_mask(levels: Mapping[Label, Level], context: ScanContext, maskable: bool) -> set[Action]:
    """Mask what was located; hold what is firmly meant but cannot be located."""
    if context.contacts_allowed:
        return set()
    if maskable:
        return {"mask"}
    firm = LEVELS[levels["contact_exchange"]] >= LEVELS["firm"]
    return {"hold"} if firm and context.filter_level != "lenient" else {"notify_moderators"}


def _strongest_first(actions: Iterable[Action]) -> tuple[Action, ...]:
    order = table().order
    return tuple(sorted(actions, key=order.index, reverse=True)) or ("allow",)
