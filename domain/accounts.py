"""Accounts: who somebody is here, without saying who they are."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import msgspec

from domain import held_handles, limits, naming, points, standings
from domain.clock import rfc3339
from domain.errors import Invalid, NotFound, Unauthenticated
from domain.ids import random_id
from domain.ports import Ports, Records
from domain.wire import END, Command, Country, Timezone, View

Role = Literal["user", "helper", "moderator", "admin"]
Status = Literal["active", "banned", "erased"]
Handle = Annotated[
    str, msgspec.Meta(min_length=3, max_length=24, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*" + END)
]
Avatar = Annotated[str, msgspec.Meta(min_length=1, max_length=32, pattern=r"^[a-z0-9-]+" + END)]
Password = Annotated[str, msgspec.Meta(min_length=10, max_length=200)]
Email = Annotated[
    str, msgspec.Meta(min_length=5, max_length=254, pattern=r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+" + END)
]

ADJECTIVES = [
    "quiet",
    "brave",
    "gentle",
    "steady",
    "warm",
    "early",
    "patient",
    "honest",
    "open",
    "bright",
    "calm",
    "kind",
    "soft",
    "wild",
    "clear",
    "free",
    "humble",
    "mellow",
    "sunny",
    "tidy",
]
ANIMALS = [
    "otter",
    "heron",
    "badger",
    "sparrow",
    "fox",
    "robin",
    "turtle",
    "hare",
    "owl",
    "finch",
    "seal",
    "lynx",
    "beaver",
    "wren",
    "moth",
    "dolphin",
    "raven",
    "swan",
    "newt",
    "deer",
]


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `accounts`. `email_login` finds it by address and password, `email_encrypted` is
    the sealed address. `recovered_from`: the hash of the recovery code that was used last, `recovered_at`."""

    id: str
    handle: str
    avatar: str
    created_at: datetime
    role: Role = "user"
    status: Status = "active"
    country: str | None = None
    timezone: str = "UTC"
    strength_points: int = 0
    password_hash: str | None = None
    recovery_hash: str | None = None
    recovered_from: str | None = None
    recovered_at: datetime | None = None
    email_login: bytes | None = None
    email_encrypted: bytes | None = None


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asking, as the verified token and the database say; never as the client says."""

    id: str
    session_id: str
    role: Role = "user"
    country: str | None = None
    timezone: str = "UTC"


class PublicAccount(View, frozen=True):
    """What others see of an account."""

    id: str
    handle: str
    avatar: str
    level: int


class OwnAccount(View, frozen=True):
    """What somebody sees of their own account."""

    id: str
    handle: str
    avatar: str
    role: Role
    created_at: str
    strength_points: int
    has_email: bool
    country: str | None
    timezone: str


class EditAccount(Command, frozen=True):
    """`PATCH /v1/me`: only the fields that are sent change."""

    handle: Handle | msgspec.UnsetType = msgspec.UNSET
    avatar: Avatar | msgspec.UnsetType = msgspec.UNSET
    country: Country | msgspec.UnsetType | None = msgspec.UNSET
    timezone: Timezone | msgspec.UnsetType = msgspec.UNSET


def public_view(account: Account) -> PublicAccount:
    return PublicAccount(
        id=account.id,
        handle=account.handle,
        avatar=account.avatar,
        level=points.level(account.strength_points),
    )


def own_view(account: Account) -> OwnAccount:
    return OwnAccount(
        id=account.id,
        handle=account.handle,
        avatar=account.avatar,
        role=account.role,
        created_at=rfc3339(account.created_at),
        strength_points=account.strength_points,
        has_email=account.email_encrypted is not None,
        country=account.country,
        timezone=account.timezone,
    )


def new_account(ports: Ports, *, handle: str | None, avatar: str | None, country: str | None) -> Account:
    """Refuses a handle or an avatar that carries contact details, attacks others or sounds like staff."""
    check_face({"handle": handle, "avatar": avatar})
    return Account(
        id=random_id(),
        handle=handle or invented_handle(),
        avatar=avatar or secrets.choice(ANIMALS),
        country=country,
        created_at=ports.now(),
    )


def check_face(chosen: Mapping[str, object]) -> None:
    for field in ("handle", "avatar"):
        if isinstance(name := chosen.get(field), str):
            naming.check_handle(name, field)
    if isinstance(handle := chosen.get("handle"), str):
        naming.check_not_staff(handle, "handle")


def invented_handle() -> str:
    """Something like `quiet-otter-482193`: easy to say, tied to nobody."""
    return f"{secrets.choice(ADJECTIVES)}-{secrets.choice(ANIMALS)}-{secrets.randbelow(900_000) + 100_000}"


async def get_me(user: User, ports: Ports) -> OwnAccount:
    account = await ports.records.accounts.get(user.id)
    if account is None:
        raise Unauthenticated
    return own_view(account)


async def edit_me(command: EditAccount, user: User, ports: Ports) -> OwnAccount:
    if isinstance(command.timezone, str):
        check_timezone(command.timezone)
    changes = {
        name: value
        for name in ("handle", "avatar", "country", "timezone")
        if (value := getattr(command, name)) is not msgspec.UNSET
    }
    check_face(changes)
    if {"handle", "avatar"} & set(changes):
        # A face is something to say as well.
        standings.check_not_muted(await ports.records.standings.get(user.id), ports.now())
    account = await ports.records.accounts.get(user.id)
    if account is None:
        raise Unauthenticated
    if is_renamed(account, changes.get("handle", account.handle)):
        most = ports.settings.handle_changes_per_day
        await limits.check("handles", user.id, most, limits.DAY, ports)
    async with ports.transaction() as tx:
        return own_view(await _changed(account, changes, tx, ports) if changes else account)


async def _changed(account: Account, changes: dict[str, object], tx: Records, ports: Ports) -> Account:
    """Not of an account that was erased or banned since the request began."""
    changed = await tx.accounts.update(account.id, changes)
    if changed.status != "active":
        raise Unauthenticated
    if is_renamed(account, changed.handle):
        await held_handles.check_free(changed.handle, account.id, tx, ports)
        await held_handles.hold(account.handle, account.id, tx, ports)
    return changed


def is_renamed(account: Account, handle: str) -> bool:
    """Another spelling of the same letters is the same handle."""
    return account.handle.casefold() != handle.casefold()


def check_timezone(name: str) -> None:
    """Refuses what the IANA database does not know."""
    if name not in iana_zones():
        raise Invalid("This is not an IANA time zone.", field="timezone")


@cache
def iana_zones() -> frozenset[str]:
    """As the `tzdata` package lists them. A system has names of its own beside them, such as `localtime`:
    they mean something else on another one, or nothing, and one account then stops what is done for all."""
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


async def public_accounts(ids: set[str], ports: Ports) -> dict[str, PublicAccount]:
    """Public views by id, from one query; erased accounts keep a neutral face."""
    found = await ports.records.accounts.get_many(ids)
    return {id: public_view(found[id]) if id in found else gone_account(id) for id in ids}


def gone_account(id: str) -> PublicAccount:
    return PublicAccount(id=id, handle="somebody", avatar="leaf", level=0)


async def public_account(id: str, ports: Ports) -> PublicAccount:
    account = await ports.records.accounts.get(id)
    if account is None or account.status == "erased":
        raise NotFound
    return public_view(account)
