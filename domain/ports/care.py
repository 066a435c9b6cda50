"""Helpers, the SOS ladder, and those who moderate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from domain.audit import Act, AuditLine, LineFilter
    from domain.cases import Case, CaseKind, Load, Target
    from domain.decisions import Action, Decision, DecisionState
    from domain.helping import HelperSettings
    from domain.ladder import Answered, AnswerTimes, Asked, Audience, Ladder, Waiting
    from domain.matching import Candidate
    from domain.pages import Cursor
    from domain.reports import Record, Report
    from domain.standings import Standing
    from domain.trust import Thank


class Cases(Protocol):
    async def open(self, case: Case) -> Case:
        """The open case of this target and kind, `joined` with this one, or this one; in a transaction."""

    async def add_appeal(self, case: Case) -> None:
        """Raises `Conflict` when the decision was appealed before."""

    async def get(self, id: str) -> Case | None: ...

    async def claim(self, id: str, moderator_id: str, now: datetime, until: datetime) -> Case | None:
        """None when it is closed, or held by somebody else at `now`."""

    async def release(self, id: str, moderator_id: str) -> bool:
        """False when this moderator does not hold it."""

    async def release_all(self, moderator_id: str) -> int:
        """Whatever this person holds is free for others; returns how many cases."""

    async def held_by(self, moderator_id: str, target: Target, target_id: str, now: datetime) -> Case | None:
        """The open case about this that this moderator holds at `now`; any of several."""

    async def bar(self, id: str, moderator_id: str) -> None:
        """Keeps the case from this moderator and lets go of it."""

    async def bar_appeals(self, target: Target, target_id: str, moderator_id: str) -> None:
        """Keeps open appeals about this target from this moderator."""

    async def close(self, id: str, outcome: str, closed_by: str | None, at: datetime) -> bool:
        """False when it is closed already."""

    async def close_unreported(self, id: str, outcome: str, at: datetime) -> bool:
        """As `close`, by nobody; False also for what somebody reported."""

    async def change_outcome(self, id: str, outcome: str) -> None:
        """Of a closed case."""

    async def close_about(self, subject_id: str, outcome: str, at: datetime) -> int:
        """Closes every open case about an account; returns how many."""

    async def queue(
        self,
        moderator_id: str,
        now: datetime,
        *,
        kind: CaseKind | None,
        mine: bool = False,
        colleagues: bool = False,
        after: Cursor | None,
        limit: int,
    ) -> list[Case]:
        """Open cases for this moderator in the order of `place`: most urgent first, then the oldest.

        `mine`: those alone whose claim they hold. `colleagues`: also what is about moderators; without it
        only their being in danger.
        """

    async def similar(self, case: Case, limit: int) -> list[Case]:
        """Closed cases of the same kind and target with most topics in common, then the newest."""

    async def loads(self, since: datetime, hard_topics: Sequence[str]) -> list[Load]:
        """What each moderator closed since then."""


class Reports(Protocol):
    async def add(self, report: Report) -> None:
        """Raises `Conflict` for a second report of one person on one target."""

    async def by_reporter(self, reporter_id: str, target: Target, target_id: str) -> Report | None: ...

    async def of_case(self, case_id: str, limit: int) -> list[Report]:
        """The most credible first."""

    async def made_by(self, reporter_id: str, after: str | None, limit: int) -> list[Report]:
        """By id, those above `after`."""

    async def record_of(self, reporter_id: str) -> Record:
        """How the closed cases ended that this person reported."""


class Decisions(Protocol):
    async def add(self, decision: Decision) -> bool:
        """False when its id is known."""

    async def get(self, id: str) -> Decision | None: ...

    async def of_case(self, case_id: str) -> list[Decision]: ...

    async def of_target(self, target: Target, target_id: str, limit: int) -> list[Decision]:
        """Newest first."""

    async def of_subject(self, subject_id: str, limit: int) -> list[Decision]:
        """Newest first."""

    async def in_force(self, subject_id: str, action: Action, now: datetime) -> list[Decision]:
        """About this person, those that hold and have not run out: without an end first, then the latest."""

    async def end(self, id: str, state: DecisionState, *, by: str) -> bool:
        """`by` another decision. False when it does not hold any more."""

    async def reject_proposals(self, case_id: str, *, but: str) -> None: ...


class Standings(Protocol):
    async def get(self, account_id: str) -> Standing: ...

    async def update(self, account_id: str, changes: dict[str, object]) -> None: ...

    async def end_ban(self, account_id: str, now: datetime) -> bool:
        """Forgets a ban that has run out; True for one of several who try at once."""

    async def banned_before(self, moment: datetime, *, limit: int) -> list[str]:
        """Accounts whose ban ended before then."""


class Thanks(Protocol):
    async def add(self, thank: Thank) -> bool:
        """False when this response was thanked for before."""

    async def of_helper(self, helper_id: str, since: datetime, limit: int) -> list[Thank]:
        """Newest first."""


class AuditLog(Protocol):
    async def append(self, act: Act, at: datetime) -> AuditLine:
        """Puts the act at the end of the chain; in a transaction, which holds up others that append."""

    async def page(self, wanted: LineFilter, before: int | None, limit: int) -> list[AuditLine]:
        """Newest first."""

    async def after(self, seq: int, limit: int) -> list[AuditLine]:
        """In the order of the chain."""


class Helpers(Protocol):
    async def get(self, account_id: str) -> HelperSettings | None: ...

    async def put(self, settings: HelperSettings) -> None: ...


class Ladders(Protocol):
    async def start(self, ladder: Ladder) -> None:
        """Starting again changes nothing."""

    async def get(self, post_id: str) -> Ladder | None: ...

    async def open(self, limit: int) -> list[Ladder]:
        """The oldest first."""

    async def candidates(
        self, post_id: str, to: Audience, here: Sequence[str], now: datetime, limit: int
    ) -> list[Candidate]:
        """Those of an audience (`here` are the helpers) who may see and answer the post and were not asked;
        the least busy first."""

    async def advance(self, post_id: str, step: int) -> bool:
        """False when the step was taken or the ladder is not open; else held until the transaction ends."""

    async def ask(self, post_id: str, step: int, account_ids: Sequence[str], at: datetime) -> set[str]:
        """Those who had not been asked; nobody when the ladder is not open."""

    async def asked(self, post_id: str) -> list[Asked]: ...

    async def leave(self, post_id: str, account_ids: Sequence[str], at: datetime) -> None: ...

    async def answer(self, post_id: str, account_id: str, ref: str, at: datetime) -> bool:
        """True for the first answer of an open ladder, which it ends."""

    async def reopen(self, post_id: str, ref: str) -> bool:
        """True when it was this answer that had ended the ladder."""

    async def reopen_between(self, one: str, other: str, since: datetime) -> list[str]:
        """Opens the ladders that began since then and that one of two people ended for the other."""

    async def close(self, post_id: str) -> None:
        """Ends an open ladder without an answer."""

    async def measure(self, post_id: str) -> Answered | None:
        """Once for each answered ladder."""

    async def resume(self, post_id: str, started_after: datetime) -> None:
        """Opens one that is over, unless it began before."""

    async def first_answers(self, account_id: str) -> int: ...

    async def see(self, post_id: str, account_id: str) -> bool:
        """True for somebody else's first look at an open SOS."""

    async def seen(self, post_id: str) -> int:
        """How many have seen it."""

    async def forget_attention(self, started_before: datetime, limit: int) -> int:
        """Deletes who was asked and who looked, of ladders that are not open; returns how many rows."""

    async def waiting(self, limit: int) -> list[Waiting]:
        """Open ladders, the oldest first."""

    async def answer_times(self, since: datetime) -> AnswerTimes:
        """Of the SOS that began since then; seconds are those of one of them."""
