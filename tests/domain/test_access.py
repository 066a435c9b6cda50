"""Access: who sees and does what, as tables."""

import itertools
from typing import Any

import pytest

from domain import access
from domain.accounts import User
from domain.circles import Circle, MemberRole
from domain.errors import Conflict, DomainError, Forbidden, Gone, NotFound
from domain.ids import new_id
from domain.posts import Context, Post
from domain.rooms import FEED
from tests.fakes.clock import NOON

# Constant: they are part of the names of tests.
AUTHOR = "01a20947-d3ad-7863-a462-eafa2c4c1b6d"
READER = "01a20947-d3ad-74f4-9327-8e77c0674c13"
NOBODY: frozenset[str] = frozenset()
STATUSES = ("live", "closed", "held", "hidden", "removed")


def post(**fields: Any) -> Post:
    usual: dict[str, Any] = {"id": new_id(), "author_id": AUTHOR, "client_id": "c", "type": "check_in"}
    usual |= {"content": "x", "circle_id": None, "visibility": "public", "categories": [], "urgency": 2}
    usual |= {"context": Context(), "content_warning": None, "status": "live", "rooms": [FEED]}
    usual |= {"amplified": True, "created_at": NOON, "expires_at": NOON}
    return Post(**{**usual, **fields})


# visibility, role in the circle -> seen by somebody else while it is live
VISIBLE: dict[tuple[str, MemberRole | None], bool] = {
    ("public", None): True,
    ("public", "member"): True,
    ("circle", None): False,
    ("circle", "member"): True,
    ("circle", "moderator"): True,
    ("circle", "owner"): True,
    ("private", None): False,
    ("private", "member"): False,
    ("private", "owner"): False,
}


@pytest.mark.parametrize(("case", "status"), list(itertools.product(VISIBLE, STATUSES)))
def test_who_else_sees_a_post(case: tuple[str, MemberRole | None], status: str) -> None:
    visibility, role = case
    shown = post(visibility=visibility, status=status)
    expected = VISIBLE[case] and status in ("live", "closed")
    assert access.sees_post(shown, READER, role=role, blocked=NOBODY) is expected
    assert not access.sees_post(shown, READER, role=role, blocked=frozenset({AUTHOR}))


@pytest.mark.parametrize("visibility", ["public", "circle", "private"])
@pytest.mark.parametrize("status", STATUSES)
def test_an_author_sees_all_of_theirs_but_what_was_removed(visibility: str, status: str) -> None:
    shown = post(visibility=visibility, status=status)
    assert access.sees_post(shown, AUTHOR, role=None, blocked=NOBODY) is (status != "removed")


ANSWERABLE: dict[str, type[DomainError] | None] = {
    "live": None,
    "closed": Gone,
    "held": NotFound,
    "hidden": NotFound,
    "removed": NotFound,
}


@pytest.mark.parametrize("status", STATUSES)
def test_what_takes_an_answer(status: str) -> None:
    refusal = ANSWERABLE[status]
    if refusal is None:
        access.check_answerable(post(status=status))
        return
    with pytest.raises(refusal):
        access.check_answerable(post(status=status))


CIRCLE_ROLES: tuple[MemberRole | None, ...] = (None, "member", "moderator", "owner")


def circle(**fields: Any) -> Circle:
    usual: dict[str, Any] = {"id": new_id(), "name": "Night watch", "description": "", "category": "general"}
    usual |= {"max_members": 10, "is_private": False, "created_at": NOON, "member_count": 3}
    return Circle(**{**usual, **fields})


# private, role -> (seeing it, acting as a member)
CIRCLES: list[tuple[bool, MemberRole | None, type[DomainError] | None, type[DomainError] | None]] = [
    (False, None, None, Forbidden),
    (False, "member", None, None),
    (True, None, NotFound, NotFound),
    (True, "member", None, None),
    (True, "owner", None, None),
]


@pytest.mark.parametrize(("is_private", "role", "seeing", "acting"), CIRCLES)
def test_who_sees_and_acts_in_a_circle(
    is_private: bool,
    role: MemberRole | None,
    seeing: type[DomainError] | None,
    acting: type[DomainError] | None,
) -> None:
    one = circle(is_private=is_private)
    for check, refusal in ((access.sees_circle, seeing), (access.check_member, acting)):
        if refusal is None:
            assert check(one, role) is one
            continue
        with pytest.raises(refusal):
            check(one, role)


def test_a_circle_that_is_not_there_is_not_found() -> None:
    for check in (access.sees_circle, access.check_member):
        with pytest.raises(NotFound):
            check(None, "owner")


# What is asked, of an open circle and of a private one -> the first role that may.
DOORS: list[tuple[Any, MemberRole]] = [
    (access.check_member, "member"),
    (access.check_steward, "moderator"),
    (access.check_circle_owner, "owner"),
]


@pytest.mark.parametrize(("check", "first"), DOORS)
@pytest.mark.parametrize("role", CIRCLE_ROLES)
@pytest.mark.parametrize("is_private", [False, True])
def test_what_a_role_opens(check: Any, first: MemberRole, role: MemberRole | None, is_private: bool) -> None:
    asked = circle(is_private=is_private)
    if CIRCLE_ROLES.index(role) >= CIRCLE_ROLES.index(first):
        assert check(asked, role) is asked
        return
    with pytest.raises(NotFound if is_private and role is None else Forbidden):
        check(asked, role)


@pytest.mark.parametrize("role", CIRCLE_ROLES)
@pytest.mark.parametrize("invited", [False, True])
def test_who_sees_a_private_circle(role: MemberRole | None, invited: bool) -> None:
    hidden = circle(is_private=True)
    if role is not None or invited:
        assert access.sees_circle(hidden, role, invited=invited) is hidden
    else:
        with pytest.raises(NotFound):
            access.sees_circle(hidden, role)
    with pytest.raises(NotFound):
        access.sees_circle(None, role, invited=invited)


REMOVES: dict[tuple[MemberRole, MemberRole], bool] = {
    ("owner", "owner"): False,
    ("owner", "moderator"): True,
    ("owner", "member"): True,
    ("moderator", "owner"): False,
    ("moderator", "moderator"): False,
    ("moderator", "member"): True,
}


@pytest.mark.parametrize("case", list(REMOVES))
def test_who_removes_whom(case: tuple[MemberRole, MemberRole]) -> None:
    if REMOVES[case]:
        access.check_removes(*case)
        return
    with pytest.raises(Forbidden):
        access.check_removes(*case)


def test_an_open_circle_is_joined_by_whom_nothing_bars() -> None:
    access.check_joinable(circle(), barred=False)
    for asked, barred in ((circle(), True), (circle(is_private=True), False)):
        with pytest.raises(Forbidden):
            access.check_joinable(asked, barred=barred)
    with pytest.raises(NotFound):
        access.check_joinable(None, barred=False)


@pytest.mark.parametrize("role", ["member", "moderator", "owner"])
@pytest.mark.parametrize("member_count", [1, 2])
def test_only_an_owner_who_leaves_others_behind_stays(role: MemberRole, member_count: int) -> None:
    if role == "owner" and member_count > 1:
        with pytest.raises(Conflict):
            access.check_leaves(circle(member_count=member_count), role, 0)
    else:
        access.check_leaves(circle(member_count=member_count), role, 0)


HEARS: list[tuple[str, str, MemberRole | None, bool]] = [
    ("user", READER, None, True),
    ("user", AUTHOR, None, False),
    ("user", AUTHOR, "owner", False),
    ("feed", "", None, True),
    ("circle", "c", None, False),
    ("circle", "c", "member", True),
    ("post", "p", "member", False),
    ("else", "x", "owner", False),
]


@pytest.mark.parametrize(("kind", "id", "role", "expected"), HEARS)
def test_who_hears_a_room(kind: str, id: str, role: MemberRole | None, expected: bool) -> None:
    user = User(id=READER, session_id=new_id())
    assert access.hears_room(kind, id, user, role=role) is expected
