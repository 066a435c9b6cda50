"""Accounts and circles: who is here, and who is apart from whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from domain.accounts import Account, Role, User
    from domain.belongings import BelongingKind
    from domain.circles import Circle, CircleFilter, Listed, Member, MemberRole, Membership
    from domain.erasure import Erasure
    from domain.held_handles import HeldHandle
    from domain.invitations import Invitation
    from domain.members import Bar
    from domain.pages import Place
    from domain.sessions import EndedSession, EndReason, RefreshToken, Session


class Accounts(Protocol):
    async def add(self, account: Account) -> None:
        """Raises `Conflict` (field `handle` or `email`) when it is taken."""

    async def get(self, id: str) -> Account | None: ...

    async def lock(self, id: str) -> Account | None:
        """As it is now; in a transaction, until whose end nobody else changes it or holds it."""

    async def get_many(self, ids: Iterable[str]) -> dict[str, Account]: ...

    async def by_handle(self, handle: str) -> Account | None:
        """Without regard to case."""

    async def by_email_login(self, key: bytes) -> Account | None: ...

    async def by_recovery(self, recovery_hash: str) -> Account | None: ...

    async def by_recovered(self, recovery_hash: str, since: datetime) -> Account | None:
        """The account whose last recovery was with this code, and not before then."""

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

    async def get_refresh(self, token_hash: bytes) -> RefreshToken | None: ...

    async def lock_refresh(self, token_hash: bytes) -> RefreshToken | None:
        """The token, held against a parallel use until the transaction ends."""

    async def mark_used(self, token_hash: bytes, at: datetime) -> None:
        """Keeps the first use."""

    async def exchange_again(self, token_hash: bytes, at: datetime) -> bool:
        """Voids what a used token was exchanged for, as if it had been used when that was given, and has the
        token be used at `at`. False, and nothing changes, when one of those was exchanged itself, or when
        there is none."""

    async def prune_refresh(self, expired_before: datetime, limit: int) -> int:
        """Deletes refresh tokens that expired long ago; returns how many."""

    async def prune_ended(self, ended_before: datetime, limit: int) -> int:
        """Deletes sessions that ended long ago; returns how many."""

    async def prune_lapsed(self, created_before: datetime, limit: int) -> int:
        """Deletes old open sessions that have no refresh token left; returns how many."""


class HeldHandles(Protocol):
    async def hold(self, held: HeldHandle) -> None:
        """In the place of an earlier one of the same handle."""

    async def get(self, handle_hash: bytes) -> HeldHandle | None:
        """Also one whose time is over and that is not pruned yet."""

    async def release(self, handle_hash: bytes) -> None: ...

    async def disown(self, account_id: str) -> None:
        """Nobody may have those of this account back."""

    async def prune(self, until_before: datetime, limit: int) -> int:
        """Deletes those whose time is over; returns how many."""


class Circles(Protocol):
    async def add(self, circle: Circle, owner_id: str, creation_id: str | None = None) -> bool:
        """False when there is one of this `creation_id` already."""

    async def by_creation(self, creation_id: str) -> Circle | None: ...

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

    async def count_of(self, account_ids: Iterable[str], circle_ids: Sequence[str]) -> dict[str, int]:
        """How many of these accounts are in each of these circles, without those that none of them is in."""

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

    async def within(self, circle_id: str) -> frozenset[str]:
        """Members of a circle between whom there is a block."""

    async def made_by(self, account_id: str) -> list[str]:
        """Whom this account blocked, newest first."""


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
