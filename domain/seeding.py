"""Seeding: what a fresh installation shows, so that the first minute is not an empty room."""

from typing import NamedTuple

import msgspec

from domain import accounts, circles, posts
from domain.accounts import Account, Role, User
from domain.circles import CreateCircle
from domain.errors import Conflict
from domain.ids import derived_id
from domain.ports import Ports
from domain.posts import CreatePost

OPERATOR, HELPER, NEWCOMER = "operator", "river-helper", "first-day"


class Seeded(NamedTuple):
    """Handles to log in with; all have the same password."""

    handles: tuple[str, ...]
    created: bool


PEOPLE: tuple[tuple[str, Role, str], ...] = (
    (OPERATOR, "admin", "owl"),
    (HELPER, "helper", "otter"),
    (NEWCOMER, "user", "wren"),
)

CIRCLES = (
    CreateCircle(name="First thirty days", description="Early days, one at a time.", category="alcohol"),
    CreateCircle(name="Night watch", description="For when everybody else sleeps.", category="general"),
)

POSTS = (
    CreatePost(
        client_id="seed-victory-1",
        type="victory",
        content="Thirty days today. I did not think I would see this number.",
        categories=["alcohol"],
    ),
    CreatePost(
        client_id="seed-question-1",
        type="question",
        content="What do you do with your hands in the evening, now that there is no glass in them?",
    ),
)


async def seed(password: str, ports: Ports) -> Seeded:
    """Makes the people, circles and posts of a development installation; once."""
    handles = tuple(handle for handle, _, _ in PEOPLE)
    if await ports.records.accounts.by_handle(OPERATOR) is not None:
        return Seeded(handles, False)
    hashed = await ports.passwords.hash(password)
    people = [await _person(handle, role, avatar, hashed, ports) for handle, role, avatar in PEOPLE]
    for command in CIRCLES:
        await circles.create_circle(command, _user(people[1]), ports)
    for post, person in zip(POSTS, people[1:], strict=True):
        await posts.create_post(post, _user(person), ports)
    return Seeded(handles, True)


async def _person(handle: str, role: Role, avatar: str, hashed: str, ports: Ports) -> Account:
    fresh = accounts.new_account(ports, handle=None, avatar=avatar, country=None)
    account = msgspec.structs.replace(
        fresh,
        id=derived_id("seed", handle),
        handle=handle,
        role=role,
        password_hash=hashed,
        recovery_hash=None,
    )
    try:
        await ports.records.accounts.add(account)
    except Conflict:
        return await ports.records.accounts.by_handle(handle) or account
    return account


def _user(account: Account) -> User:
    return User(id=account.id, session_id=account.id, role=account.role)
