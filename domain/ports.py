"""What the domain needs from the outside, as protocols; one frozen `Ports` carries them everywhere.

Every store here has two implementations: the real one in `db/` and a fake in `tests/fakes/`,
and both pass the contract suite in `tests/contract/`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from domain.jobs import JobFeed, JobQueue, JobStore

if TYPE_CHECKING:
    from domain.accounts import Account, Role, User
    from domain.activity import Activity
    from domain.audit import Act, AuditLine, LineFilter
    from domain.belongings import BelongingKind
    from domain.cases import Case, CaseKind, Load, Target
    from domain.checkins import CheckIn
    from domain.circles import Circle, CircleFilter, Listed, Member, MemberRole, Membership
    from domain.clock import Clock
    from domain.cravings import Craving
    from domain.decisions import Decision, DecisionState
    from domain.devices import Address, Device, Platform
    from domain.erasure import Erasure
    from domain.events import Announcer, Event, Publication
    from domain.helping import HelperSettings
    from domain.invitations import Invitation
    from domain.ladder import Answered, AnswerTimes, Asked, Audience, Ladder, Waiting
    from domain.matching import Candidate
    from domain.members import Bar
    from domain.notifications import Notification
    from domain.pages import Cursor, Place
    from domain.points import Entry, HelpCounts, Line
    from domain.posts import Post, PostFilter, PostStatus
    from domain.preferences import Preferences
    from domain.presence import Status
    from domain.progress import CircleTotals
    from domain.pushing import PushMessage
    from domain.reports import Record, Report
    from domain.responses import Response
    from domain.rooms import Logged, Position, Slice
    from domain.sessions import EndedSession, EndReason, RefreshToken, Session
    from domain.settings import Settings
    from domain.streaks import Mark, Streak
    from domain.trackers import Tracker
    from domain.trust import Standing, Thank
    from domain.voice_notes import VoiceNote


class Accounts(Protocol):
    async def add(self, account: Account) -> None:
        """Raises `Conflict` (field `handle` or `email`) when it is taken."""

    async def get(self, id: str) -> Account | None: ...

    async def get_many(self, ids: Iterable[str]) -> dict[str, Account]: ...

    async def by_handle(self, handle: str) -> Account | None:
        """Without regard to case."""

    async def by_email_login(self, key: bytes) -> Account | None: ...

    async def by_recovery(self, recovery_hash: str) -> Account | None: ...

    async def update(self, id: str, changes: dict[str, object]) -> Account:
        """Raises `Conflict` when a new handle is taken, `NotFound` without the account."""

    async def replace_password(self, id: str, old: str | None, changes: dict[str, object]) -> bool:
        """False when the password is no longer `old`."""

    async def replace_recovery(self, id: str, old: str, changes: dict[str, object]) -> bool:
        """False when the recovery code was used meanwhile."""

    async def with_roles(self, roles: Sequence[Role]) -> list[str]:
        """The ids of active accounts of these roles."""

    async def delete_erased(self, id: str) -> bool:
        """Deletes an account whose erasure runs, with all that hangs on it; no other one."""


class Use(NamedTuple):
    """When a session was used, and by what; None keeps what was said of the device before."""

    session_id: str
    at: datetime
    platform: str | None = None
    app_version: str | None = None


class Sessions(Protocol):
    async def add(self, session: Session) -> None: ...

    async def user_of(self, session_id: str) -> User | None:
        """The account of an open session, None when either is ended, banned or erased."""

    async def open(self, account_id: str, used_since: datetime, limit: int) -> list[Session]:
        """Open ones that were used since then, last used first."""

    async def note_uses(self, uses: Sequence[Use]) -> None:
        """Of open sessions, each once; waits for nobody: what another transaction holds is left out."""

    async def end(self, session_id: str, reason: EndReason, at: datetime) -> None: ...

    async def end_own(self, account_id: str, session_id: str, reason: EndReason, at: datetime) -> bool:
        """False for a session that is not this account's, or not open."""

    async def end_all(self, account_id: str, reason: EndReason, at: datetime) -> None: ...

    async def ended_since(self, moment: datetime) -> list[EndedSession]: ...

    async def add_refresh(self, token: RefreshToken) -> None: ...

    async def lock_refresh(self, token_hash: bytes) -> RefreshToken | None:
        """The token, held against a parallel use until the transaction ends."""

    async def mark_used(self, token_hash: bytes, at: datetime) -> None:
        """Keeps the first use."""

    async def prune_refresh(self, expired_before: datetime, limit: int) -> int:
        """Deletes refresh tokens that expired long ago; returns how many."""

    async def prune_ended(self, ended_before: datetime, limit: int) -> int:
        """Deletes sessions that ended long ago; returns how many."""

    async def prune_lapsed(self, created_before: datetime, limit: int) -> int:
        """Deletes old open sessions that have no refresh token left; returns how many."""


class Circles(Protocol):
    async def add(self, circle: Circle, owner_id: str) -> None: ...

    async def get(self, id: str) -> Circle | None: ...

    async def get_many(self, ids: Sequence[str]) -> dict[str, Circle]: ...

    async def lock(self, id: str) -> Circle | None:
        """The circle, held with its members, bars and invitations until the transaction ends."""

    async def edit(self, id: str, changes: dict[str, object]) -> Circle:
        """Raises `Conflict` (field `max_members`) for fewer places than members."""

    async def page(self, account_id: str, wanted: CircleFilter, limit: int) -> list[Listed]:
        """Newest first: those everybody may join and the account's own, or only these."""

    async def members(
        self, circle_id: str, after: Place | None, limit: int, *, without: Sequence[str]
    ) -> list[Membership]:
        """In the order of joining."""

    async def role_of(self, circle_id: str, account_id: str) -> MemberRole | None: ...

    async def set_role(self, circle_id: str, account_id: str, role: MemberRole) -> bool:
        """False for who is no member. A circle has one owner: the old one steps down first."""

    async def join(self, circle_id: str, account_id: str, at: datetime) -> bool:
        """False for a member already; raises `Conflict` when the circle is full."""

    async def leave(self, circle_id: str, account_id: str) -> bool: ...

    async def of_account(self, account_id: str) -> list[Member]: ...

    async def categories_of(self, account_id: str) -> list[str]:
        """Of the circles the account is in, each once."""

    async def owner_of(self, circle_id: str) -> str | None: ...

    async def inherit(self, circle_id: str) -> str | None:
        """Gives a circle without an owner to its eldest moderator, else its eldest member; returns whom."""

    async def close_empty(self, circle_id: str) -> bool:
        """Deletes a circle that has no member left."""


class Bars(Protocol):
    """Who was removed from a circle."""

    async def add(self, circle_id: str, account_id: str, at: datetime) -> bool: ...

    async def lift(self, circle_id: str, account_id: str) -> bool: ...

    async def holds(self, circle_id: str, account_id: str) -> bool: ...

    async def page(
        self, circle_id: str, after: Place | None, limit: int, *, without: Sequence[str]
    ) -> list[Bar]:
        """Newest first."""


class Invitations(Protocol):
    """Into circles. Open is what has not expired and is not used up."""

    async def put(self, invitation: Invitation) -> None:
        """In the place of an earlier one of the same circle to the same account."""

    async def get(self, id: str) -> Invitation | None: ...

    async def by_code(self, code_hash: bytes) -> Invitation | None: ...

    async def to_account(self, circle_id: str, account_id: str) -> Invitation | None: ...

    async def use(self, id: str) -> None: ...

    async def revoke(self, id: str) -> bool: ...

    async def revoke_around(self, circle_id: str, account_id: str) -> None:
        """Those of a circle that this account made or was given."""

    async def codes(self, circle_id: str, now: datetime) -> int:
        """How many open codes a circle has."""

    async def of_circle(
        self, circle_id: str, now: datetime, after: Place | None, limit: int, *, without: Sequence[str]
    ) -> list[Invitation]:
        """The open ones, newest first, but for those by or to `without`."""

    async def of_account(
        self, account_id: str, now: datetime, after: Place | None, limit: int, *, without: Sequence[str]
    ) -> list[Invitation]:
        """As `of_circle`, of those to an account."""

    async def of_person(self, account_id: str, after: str, limit: int) -> list[Invitation]:
        """All that an account made or was given, open or not, in the order of ids, above `after`."""

    async def prune(self, expired_before: datetime, limit: int) -> int:
        """Deletes what expired long ago; returns how many."""


class Blocks(Protocol):
    async def add(self, blocker_id: str, blocked_id: str, at: datetime) -> bool: ...

    async def remove(self, blocker_id: str, blocked_id: str) -> bool: ...

    async def around(self, account_id: str) -> frozenset[str]:
        """Everybody who blocked this account or is blocked by it."""

    async def among(self, account_ids: Iterable[str]) -> frozenset[str]:
        """Those of these accounts who blocked anybody or are blocked by anybody."""

    async def made_by(self, account_id: str) -> list[str]:
        """Whom this account blocked, newest first."""


class Ledger(Protocol):
    async def add(self, entry: Entry) -> bool:
        """Writes the entry and its change to the balance; False when its key is known, or nobody's balance
        moves because the account was erased."""

    async def lock_pair(self, giver_id: str, receiver_id: str) -> None:
        """Holds awards from one giver to one receiver apart until the transaction ends."""

    async def earned(self, giver_id: str, receiver_id: str, day: date) -> int:
        """Points awarded on this UTC day."""

    async def awards(self, post_id: str, ref: str | None) -> list[Entry]:
        """The awards for help with a post, or only those of one response or support to it."""

    async def of_post(self, post_id: str, ref: str | None) -> list[Entry]:
        """As `awards`, with what was taken back and given again; in order."""

    async def balance(self, account_id: str) -> int:
        """The sum of the account's entries."""

    async def page(self, account_id: str, before: int | None, limit: int) -> list[Line]:
        """The account's entries that moved its balance, newest first."""

    async def help_counts(self, account_id: str) -> HelpCounts:
        """How often the account helped and was helped; what was taken back does not count."""

    async def drifted(self, limit: int) -> list[str]:
        """Accounts whose kept balance is not the sum of their entries."""

    async def repair(self, account_id: str) -> int:
        """Makes the kept balance the sum; returns by how much it was off. Only inside a transaction."""


class Backlog(NamedTuple):
    """Open rows of the outbox, and for how many seconds the oldest has been open (0 without rows)."""

    rows: int
    oldest_seconds: float


class Outbox(Protocol):
    async def add(self, event: Event) -> None:
        """Adding an event id again changes nothing."""

    async def add_many(self, events: Sequence[Event]) -> None: ...

    async def mark_done(self, event_id: str, at: datetime) -> None: ...

    async def due(self, older_than: datetime, limit: int) -> list[Event]:
        """Not done, oldest first; one that failed waits ten seconds longer each time."""

    async def mark_failed(self, event_id: str) -> None:
        """Not for a lost store: for an event that cannot be told as it is."""

    async def reopen_since(self, moment: datetime) -> int:
        """Marks what was told since `moment` as not done, for a log that may have lost it."""

    async def prune(self, done_before: datetime, limit: int) -> int:
        """Deletes what was told long ago; returns how many."""

    async def missing(self, event_ids: Sequence[str]) -> set[str]:
        """Those of `event_ids` that were never recorded."""

    async def backlog(self, now: datetime) -> Backlog:
        """What should have been told by `now` and is not yet; events of the future do not count."""


class Notifications(Protocol):
    async def add(self, notifications: Sequence[Notification]) -> set[str]:
        """The ids that are new: who was notified of an event already, or is not there, gets none."""

    async def get(self, id: str) -> Notification | None: ...

    async def page(
        self, account_id: str, after: Place | None, limit: int, *, without: Sequence[str]
    ) -> list[Notification]:
        """Those shown in the app, newest first, but for what the actors `without` did."""

    async def unread(self, account_id: str, *, without: Sequence[str]) -> int: ...

    async def mark_read(
        self, account_id: str, ids: Sequence[str], until_id: str | None, at: datetime
    ) -> None:
        """By id, and everything up to and with `until_id`; keeps the first time."""

    async def prune(self, created_before: datetime, limit: int) -> int:
        """Deletes what is old; returns how many."""


class NotificationPreferences(Protocol):
    async def get_many(self, account_ids: Sequence[str]) -> dict[str, Preferences]:
        """Of those who ever set any."""

    async def put(self, account_id: str, preferences: Preferences) -> None: ...


class Devices(Protocol):
    """Devices of sessions that are open; one whose session has ended is not there any more."""

    async def put(self, device: Device, *, most: int) -> str:
        """Its id: the old one for a known token, whose owner and session change. Above `most` devices of
        an account those not seen for longest are dropped."""

    async def of_account(self, account_id: str) -> list[Device]:
        """Seen last comes first."""

    async def reachable(self, account_ids: Sequence[str], platforms: Sequence[Platform]) -> set[str]:
        """Which of these accounts have a device on one of these platforms."""

    async def remove(self, account_id: str, id: str) -> bool: ...

    async def prune(self, limit: int) -> int:
        """Deletes devices of ended sessions; returns how many."""


class Pace(NamedTuple):
    """What was pushed so far: this very notification, the last of its group, how many since a moment."""

    taken: bool
    last_of_group: datetime | None
    spent: int


class Pushes(Protocol):
    """Which notifications were pushed, for budgets and groups, and which devices had them."""

    async def lock(self, account_id: str) -> None:
        """Holds decisions about one account apart until the transaction ends."""

    async def pace(self, notification_id: str, account_id: str, group: str, since: datetime) -> Pace: ...

    async def take(self, notification_id: str, account_id: str, group: str, at: datetime) -> None: ...

    async def delivered(self, notification_id: str) -> set[str]:
        """Ids of devices."""

    async def mark_delivered(self, notification_id: str, device_id: str, at: datetime) -> None: ...


class Activities(Protocol):
    async def add(self, activity: Activity) -> bool:
        """False when its `ref` is known."""

    async def days(self, account_id: str) -> list[date]:
        """The local days on which something happened, in order."""


class Trackers(Protocol):
    async def add(self, tracker: Tracker, timezone: str | None) -> Tracker:
        """The account's tracker of this category: the one there was, or this one.

        Without a `timezone` of its own it follows the account's.
        """

    async def get(self, id: str) -> Tracker | None: ...

    async def lock(self, id: str) -> Tracker | None:
        """The tracker, held against a parallel count until the transaction ends."""

    async def of_account(self, account_id: str) -> list[Tracker]:
        """Oldest first."""

    async def page(self, after: str, limit: int) -> list[Tracker]:
        """In the order of ids, those above `after` (all for an empty one)."""

    async def move(self, id: str, timezone: str) -> Tracker | None: ...

    async def keep(self, id: str, streak: Streak) -> None: ...

    async def timezones(self) -> list[str]:
        """Those of the active accounts that track something."""

    async def accounts_in(self, timezones: Sequence[str], after: str, limit: int) -> list[tuple[str, str]]:
        """(account id, time zone) of active accounts that track something, by id, above `after`."""

    async def of_circle(self, circle_id: str, category: str | None, active_since: datetime) -> CircleTotals:
        """Over its members who track `category` (or anything); medians are the lower ones, 0 of nobody."""


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

    async def held_by(self, moderator_id: str, target: Target, target_id: str, now: datetime) -> Case | None:
        """The open case about this that this moderator holds at `now`; any of several."""

    async def bar(self, id: str, moderator_id: str) -> None:
        """Keeps the case from this moderator and lets go of it."""

    async def bar_appeals(self, target: Target, target_id: str, moderator_id: str) -> None:
        """Keeps open appeals about this target from this moderator."""

    async def close(self, id: str, outcome: str, closed_by: str | None, at: datetime) -> bool:
        """False when it is closed already."""

    async def change_outcome(self, id: str, outcome: str) -> None:
        """Of a closed case."""

    async def close_about(self, subject_id: str, outcome: str, at: datetime) -> int:
        """Closes every open case about an account; returns how many."""

    async def queue(
        self, moderator_id: str, now: datetime, *, kind: CaseKind | None, after: Cursor | None, limit: int
    ) -> list[Case]:
        """Open cases for this moderator in the order of `place`: most urgent first, then the oldest."""

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

    async def end(self, id: str, state: DecisionState) -> bool:
        """False when it does not hold any more."""

    async def reject_proposals(self, case_id: str, *, but: str) -> None: ...


class Standings(Protocol):
    async def get(self, account_id: str) -> Standing: ...

    async def update(self, account_id: str, changes: dict[str, object]) -> None: ...

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


class Erasures(Protocol):
    async def add(self, erasure: Erasure) -> bool:
        """False when one of this account runs already."""

    async def get(self, receipt_id: str) -> Erasure | None: ...

    async def of_account(self, account_id: str) -> Erasure | None:
        """The one that runs."""

    async def add_count(self, receipt_id: str, what: str, count: int) -> None: ...

    async def complete(self, receipt_id: str, at: datetime) -> bool:
        """Forgets whose it was; False when it was complete."""

    async def unfinished(self, limit: int) -> list[Erasure]:
        """The longest running first."""

    async def prune(self, completed_before: datetime, limit: int) -> int:
        """Deletes old receipts; returns how many."""


class Belongings(Protocol):
    async def forget(self, kind: BelongingKind, account_id: str, stand_in: str, limit: int) -> int:
        """Deletes rows of an account, or leaves them to the stand-in; about `limit` at most, 0 when none is
        left."""


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

    async def first_answers(self, account_id: str) -> int: ...

    async def see(self, post_id: str, account_id: str) -> bool:
        """True for somebody else's first look at an open SOS."""

    async def seen(self, post_id: str) -> int:
        """How many have seen it."""

    async def waiting(self, limit: int) -> list[Waiting]:
        """Open ladders, the oldest first."""

    async def answer_times(self, since: datetime) -> AnswerTimes:
        """Of the SOS that began since then; seconds are those of one of them."""


@dataclass(frozen=True)
class Records:
    """The PostgreSQL side, bound to the pool or to one transaction."""

    accounts: Accounts
    sessions: Sessions
    circles: Circles
    bars: Bars
    invitations: Invitations
    blocks: Blocks
    ledger: Ledger
    outbox: Outbox
    jobs: JobStore
    notifications: Notifications
    preferences: NotificationPreferences
    devices: Devices
    pushes: Pushes
    activities: Activities
    trackers: Trackers
    cases: Cases
    reports: Reports
    decisions: Decisions
    standings: Standings
    thanks: Thanks
    audit: AuditLog
    erasures: Erasures
    belongings: Belongings
    helpers: Helpers
    ladders: Ladders


class Posts(Protocol):
    async def add(self, post: Post) -> Post:
        """The stored post: the original when this author already used this `client_id`."""

    async def get(self, id: str) -> Post | None: ...

    async def by_client_id(self, author_id: str, client_id: str) -> Post | None: ...

    async def page(self, wanted: PostFilter, after: Cursor | None, limit: int) -> list[Post]:
        """In the order of `wanted.sort`, what comes after the cursor; raises `Invalid` for a foreign one."""

    async def change(
        self, id: str, changes: dict[str, object], *, status: PostStatus | None = None
    ) -> Post | None:
        """The changed post; None without the post, or when it is not (any more) in `status`."""

    async def set_apart(self, ids: Sequence[str]) -> None: ...

    async def count_support(self, id: str, kind: str, change: int) -> Post | None: ...

    async def count_response(self, id: str, change: int) -> None: ...

    async def created_since(self, moment: datetime, limit: int) -> list[Post]:
        """Live posts made at or after `moment`, oldest first."""

    async def due_to_expire(self, now: datetime, limit: int) -> list[Post]:
        """Posts of any other status whose `expires_at` has come, the longest overdue first."""

    async def expire(self, id: str) -> None:
        """Takes away what was written and what moderation found in it; the counts stay."""

    async def withdraw(self, author_id: str) -> None:
        """As `expire`, for everything of an author at once."""

    async def erase(self, id: str, stand_in: str, rooms: Sequence[str]) -> bool:
        """Leaves an emptied post to the stand-in, for the counts; False when it has it already."""

    async def shift_counts(self, id: str, responses: int, supports: Mapping[str, int]) -> None:
        """Adds to the counters, beside whatever else moves them at the same time."""

    async def scanned(
        self, since: datetime, after: Cursor | None, limit: int
    ) -> list[tuple[Post, Sequence[str]]]:
        """Posts made since then, oldest first, with the actions their last scan called for."""


class Responses(Protocol):
    async def add(self, response: Response) -> tuple[Response, bool]:
        """The stored response and whether it is new."""

    async def get(self, id: str) -> Response | None: ...

    async def by_client_id(self, author_id: str, client_id: str) -> Response | None: ...

    async def page(
        self, post_id: str, after: Cursor | None, limit: int, *, without: Iterable[str] = ()
    ) -> list[Response]:
        """Live responses, oldest first."""

    async def from_authors(self, post_ids: Sequence[str], authors: Iterable[str]) -> list[str]:
        """The post id of every live response of these authors to these posts."""

    async def authors(self, post_id: str) -> list[str]:
        """The author of every live response to a post."""

    async def posts_of(self, author_id: str, limit: int) -> list[str]:
        """The posts of this author's newest responses."""

    async def created_since(self, moment: datetime, limit: int) -> list[Response]:
        """Live responses made at or after `moment`, oldest first."""

    async def scanned(
        self, since: datetime, after: Cursor | None, limit: int
    ) -> list[tuple[Response, Sequence[str]]]:
        """As `Posts.scanned`."""

    async def change(self, id: str, changes: dict[str, object], *, status: str = "live") -> Response | None:
        """The changed response; None when it is not (any more) in `status`."""

    async def counts(self, post_ids: Sequence[str]) -> dict[str, int]:
        """Live responses of each of these posts that has any."""

    async def thanked_counts(self, author_ids: Sequence[str]) -> dict[str, int]:
        """How often each of these authors was thanked for an answer, of those who were."""

    async def expire_thread(self, post_id: str) -> None:
        """Takes away what was written in answer to a post."""

    async def by_author(self, author_id: str, after: str | None, limit: int) -> list[Response]:
        """Newest first, those below the id `after`, whatever their status."""

    async def withdraw(self, author_id: str) -> None:
        """Takes away what an author wrote; what was live is `expired`, the rest `removed`."""

    async def delete(self, id: str) -> bool: ...


class Given(NamedTuple):
    """A quick support of one giver."""

    post_id: str
    kind: str
    at: datetime


class Supports(Protocol):
    async def add(self, post_id: str, giver_id: str, kind: str, at: datetime) -> bool:
        """False for a second tap of the same kind."""

    async def kinds_of(self, post_id: str, giver_id: str) -> list[str]: ...

    async def remove(self, post_id: str, giver_id: str, kind: str) -> bool: ...

    async def from_givers(self, post_ids: Sequence[str], givers: Iterable[str]) -> list[tuple[str, str]]:
        """(post id, kind) of every support these givers gave to these posts."""

    async def by_giver(self, giver_id: str, after: str, limit: int) -> list[Given]:
        """By post id, those of posts above `after` (all for an empty one)."""

    async def posts_of(self, giver_id: str, limit: int) -> list[str]:
        """The posts of this giver's newest supports."""

    async def counts(self, post_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        """Supports by kind of each of these posts that has any."""

    async def given_to(self, post_id: str) -> list[tuple[str, str]]:
        """(giver, kind) of every support to a post."""

    async def forget(self, post_id: str) -> None:
        """Deletes who gave what to a post; its counts are on the post."""


class CheckIns(Protocol):
    async def add(self, check_in: CheckIn) -> CheckIn:
        """The stored one: the original when its id is known."""

    async def get(self, id: str) -> CheckIn | None: ...

    async def count(self, tracker_id: str) -> int: ...

    async def marks(self, tracker_id: str) -> list[Mark]:
        """All check-ins and slips of a tracker, without what was written."""

    async def recorded(self, after: datetime, before: datetime, limit: int) -> list[CheckIn]:
        """What was learnt of in between, in that order."""

    async def page(self, account_id: str, after: str, limit: int) -> list[CheckIn]:
        """Of an account by id, those above `after` (all for an empty one)."""

    async def forget(self, account_id: str, limit: int) -> int:
        """Deletes some of an account's; returns how many."""


class Cravings(Protocol):
    async def add(self, craving: Craving) -> Craving:
        """The stored one: the original when its id is known."""

    async def get(self, id: str) -> Craving | None: ...

    async def since(self, account_id: str, moment: datetime, limit: int) -> list[Craving]:
        """At or after `moment`, the newest `limit` of them, newest first."""

    async def page(self, account_id: str, after: str, limit: int) -> list[Craving]:
        """As `CheckIns.page`."""

    async def forget(self, account_id: str, limit: int) -> int:
        """As `CheckIns.forget`."""


class VoiceNotes(Protocol):
    async def add(self, note: VoiceNote, audio: bytes) -> VoiceNote:
        """The stored note: the original when this author already used this `client_id`."""

    async def get(self, id: str) -> VoiceNote | None: ...

    async def by_client_id(self, author_id: str, client_id: str) -> VoiceNote | None: ...

    async def read(self, id: str, start: int, size: int) -> bytes:
        """That part of the sound, or what there is of it; raises `NotFound` without the note."""

    async def claim(self, claimed: VoiceNote) -> VoiceNote | None:
        """The note as claimed, by this answer or another that was first; None without it."""

    async def unsettled(self, before: datetime, limit: int) -> list[VoiceNote]:
        """Of which the sweep has to find out whether an answer has them, last touched before then; also
        what was never stored whole."""

    async def settle(self, id: str) -> None:
        """An answer has it: the sweep need not ask again."""

    async def drop(self, id: str, before: datetime) -> bool:
        """Deletes note and sound, unless it was touched since `before`."""

    async def forget_thread(self, post_id: str) -> None:
        """Deletes every note that was claimed in answer to a post."""

    async def of_author(self, author_id: str) -> list[VoiceNote]: ...

    async def forget(self, author_id: str, limit: int) -> int:
        """Deletes notes of this author, at most `limit`; returns how many."""


@dataclass(frozen=True)
class Content:
    """The MongoDB side."""

    posts: Posts
    responses: Responses
    supports: Supports
    checkins: CheckIns
    cravings: Cravings
    voice_notes: VoiceNotes


class RoomLogs(Protocol):
    async def publish(self, publication: Publication) -> int:
        """The event's seq in its room; publishing an event id again answers the same seq."""

    async def tell(self, room: str, event: str, actor: str, body: bytes) -> None:
        """Tells the room's listeners now, and nobody later: no seq, no log."""

    async def read(self, room: str, after: int, limit: int) -> Slice:
        """Events above `after` (the newest `limit` of them) and the log's position."""

    async def redact(self, room: str, actor: str) -> int:
        """Empties what the log holds of an account's doings, all but removals: nobody needs to hear of those
        again, and positions stay what they were. Returns how many events."""

    async def forget(self, room: str) -> int:
        """Deletes a log; returns how many events were in it."""

    async def server_run(self) -> str:
        """Changes when the server behind the logs was restarted and may have lost its newest second."""

    async def positions(self, rooms: Sequence[str]) -> dict[str, Position]: ...


class Queue(JobQueue, JobFeed, Protocol):
    """Both sides of the job queue: those who push and those who run."""


class Presence(Protocol):
    async def touch(self, account_ids: Sequence[str]) -> list[str]:
        """Keeps accounts here for another grace; returns those who were not here."""

    async def set_status(self, account_id: str, status: Status) -> None: ...

    async def statuses(self, account_ids: Sequence[str]) -> dict[str, Status]:
        """Of those who are here."""

    async def pop_expired(self) -> list[str]:
        """Accounts whose grace is over, each given to one caller only."""

    async def helping(self) -> list[str]:
        """Accounts that are here and ask to be told of an SOS."""


class Socket(NamedTuple):
    """One open socket of an account, on whatever server."""

    account_id: str
    id: str


class SocketLeases(Protocol):
    """Which sockets are open; one whose lease is not renewed is not counted any more."""

    async def take(self, socket: Socket, most: int, *, gone: Sequence[str] = ()) -> bool:
        """False when `most` others of the account are open, without those that are `gone`."""

    async def renew(self, sockets: Sequence[Socket]) -> None: ...

    async def release(self, sockets: Sequence[Socket]) -> None: ...


class RateLimits(Protocol):
    async def wait_seconds(self, scope: str, key: str, limit: int, window_seconds: int) -> float:
        """Counts one and answers 0, or answers the seconds to wait without counting it."""


class Passwords(Protocol):
    async def hash(self, password: str) -> str: ...

    async def verify(self, password: str, hashed: str | None) -> bool:
        """As much work for no hash as for a wrong password."""

    async def stretch(self, password: str, salt: bytes) -> bytes:
        """The same bytes for the same password and salt, as slow as a hash."""


class Claims(NamedTuple):
    account_id: str
    session_id: str
    expires_at: datetime


class Tokens(Protocol):
    def issue(self, account_id: str, session_id: str, now: datetime) -> str: ...

    def verify(self, token: str, now: datetime) -> Claims:
        """Raises `Unauthenticated` for anything but our own, unexpired access token."""


class Cipher(Protocol):
    def lookup(self, value: bytes) -> bytes:
        """A keyed hash, the same for the same value."""

    def encrypt(self, plain: bytes, *, context: bytes) -> bytes: ...

    def decrypt(self, sealed: bytes, *, context: bytes) -> bytes: ...


class Signer(Protocol):
    """Signs what apps keep and must be able to trust without us (Ed25519)."""

    @property
    def public_key(self) -> bytes: ...

    def sign(self, payload: bytes) -> bytes: ...


class Push(Protocol):
    """The push services of the platforms; those that are not configured are not there."""

    @property
    def platforms(self) -> frozenset[Platform]: ...

    @property
    def web_key(self) -> str | None:
        """The application server key for browsers, base64url (RFC 8292 §3.2)."""

    async def send(self, address: Address, message: PushMessage) -> bool:
        """False when the address is dead; raises `Unavailable` for what may work later."""


class Leadership(Protocol):
    def lead(self, name: str) -> AbstractAsyncContextManager[bool]:
        """True inside when this process is the only one to hold `name`."""


class Health(NamedTuple):
    name: str
    ok: bool
    milliseconds: float


@dataclass(frozen=True)
class Ports:
    settings: Settings
    now: Clock
    records: Records
    transaction: Callable[[], AbstractAsyncContextManager[Records]]
    content: Content
    rooms: RoomLogs
    presence: Presence
    leases: SocketLeases
    queue: Queue
    limits: RateLimits
    passwords: Passwords
    tokens: Tokens
    cipher: Cipher
    signer: Signer | None
    push: Push
    leadership: Leadership
    announcer: Announcer
    probe: Callable[[], Awaitable[list[Health]]]

    @property
    def jobs(self) -> JobStore:
        return self.records.jobs


class RoomFeed(Protocol):
    """What a server hears live: events of the rooms it subscribed to, at most once each."""

    async def subscribe(self, room: str) -> None:
        """Returns when it hears the room; raises `Unavailable`, and hears it as soon as that is possible."""

    def unsubscribe(self, room: str) -> None:
        """At once."""

    def silent_seconds(self) -> float:
        """Since anything was heard; a feed that lives is never silent for long."""

    async def run(self, hear: Callable[[str, Logged], None], again: Callable[[str], None]) -> None:
        """Listens until cancelled; calls `again(room)` when a room was not heard for a while and is now."""
