"""What `domain.ports.Invitations` promises."""

from datetime import timedelta

from msgspec.structs import replace

from domain.clock import utc_now
from domain.ids import new_id
from domain.invitations import place_of
from domain.ports import Ports
from tests.contract.makers import Makers


async def test_an_invitation_is_found_by_id_person_and_code(ports: Ports, make: Makers) -> None:
    owner, guest = await make.account(), await make.account()
    circle = await make.circle(owner.id)
    to_guest = await make.invitation(circle.id, owner.id, account_id=guest.id)
    by_code = await make.invitation(circle.id, owner.id, code_hash=b"code", uses_max=5)
    invitations = ports.records.invitations
    assert await invitations.get(to_guest.id) == to_guest
    assert await invitations.to_account(circle.id, guest.id) == to_guest
    assert await invitations.by_code(b"code") == by_code
    assert await invitations.get(new_id()) is None
    assert await invitations.by_code(b"other") is None
    assert await invitations.to_account(circle.id, owner.id) is None


async def test_a_new_invitation_takes_the_place_of_an_old_one(ports: Ports, make: Makers) -> None:
    owner, guest = await make.account(), await make.account()
    circle = await make.circle(owner.id)
    old = await make.invitation(circle.id, owner.id, account_id=guest.id)
    await ports.records.invitations.use(old.id)
    new = await make.invitation(circle.id, owner.id, account_id=guest.id)
    assert await ports.records.invitations.get(old.id) is None
    assert await ports.records.invitations.to_account(circle.id, guest.id) == new


async def test_uses_are_counted_and_what_is_used_up_is_not_open(ports: Ports, make: Makers) -> None:
    owner, guest = await make.account(), await make.account()
    circle, now = await make.circle(owner.id), utc_now()
    code = await make.invitation(circle.id, owner.id, code_hash=b"code", uses_max=2)
    other = await make.invitation(circle.id, owner.id, account_id=guest.id)
    late = await make.invitation(circle.id, owner.id, code_hash=b"late", expires_at=now)
    invitations = ports.records.invitations
    assert await invitations.codes(circle.id, now) == 1
    for used in (1, 2):
        await invitations.use(code.id)
        assert await invitations.get(code.id) == replace(code, uses=used)
    assert await invitations.codes(circle.id, now) == 0
    assert await invitations.of_circle(circle.id, now, None, 10, without=[]) == [other]
    assert await invitations.get(late.id) == late


async def test_open_ones_come_newest_first_without_those_around_some(ports: Ports, make: Makers) -> None:
    owner, other, guest = await make.account(), await make.account(), await make.account()
    circle, now = await make.circle(owner.id), utc_now()
    elsewhere = await make.circle(other.id)
    earlier = now - timedelta(seconds=1)
    mine = await make.invitation(circle.id, owner.id, account_id=guest.id, created_at=earlier)
    code = await make.invitation(circle.id, owner.id, code_hash=b"code", created_at=now)
    theirs = await make.invitation(elsewhere.id, other.id, account_id=guest.id, created_at=now)
    invitations = ports.records.invitations
    assert await invitations.of_circle(circle.id, now, None, 10, without=[]) == [code, mine]
    assert await invitations.of_circle(circle.id, now, place_of(code), 10, without=[]) == [mine]
    assert await invitations.of_circle(circle.id, now, None, 10, without=[guest.id]) == [code]
    assert await invitations.of_circle(circle.id, now, None, 1, without=[]) == [code]
    assert await invitations.of_account(guest.id, now, None, 10, without=[]) == [theirs, mine]
    assert await invitations.of_account(guest.id, now, None, 10, without=[other.id]) == [mine]
    assert await invitations.of_account(owner.id, now, None, 10, without=[]) == []


async def test_invitations_are_taken_back_alone_or_around_somebody(ports: Ports, make: Makers) -> None:
    owner, moderator, guest = await make.account(), await make.account(), await make.account()
    circle = await make.circle(owner.id)
    invitations, now = ports.records.invitations, utc_now()
    kept = await make.invitation(circle.id, owner.id, account_id=guest.id)
    gone = await make.invitation(circle.id, owner.id, code_hash=b"gone")
    await make.invitation(circle.id, moderator.id, code_hash=b"theirs")
    await make.invitation(circle.id, owner.id, account_id=moderator.id)
    assert await invitations.revoke(gone.id)
    assert not await invitations.revoke(gone.id)
    await invitations.revoke_around(circle.id, moderator.id)
    assert await invitations.of_circle(circle.id, now, None, 10, without=[]) == [kept]


async def test_everything_around_a_person_is_read_in_portions(ports: Ports, make: Makers) -> None:
    owner, other, guest = await make.account(), await make.account(), await make.account()
    circle = await make.circle(owner.id)
    past = utc_now() - timedelta(days=1)
    made = [
        await make.invitation(circle.id, owner.id, account_id=guest.id, expires_at=past),
        await make.invitation(circle.id, other.id, account_id=owner.id),
        await make.invitation(circle.id, owner.id, code_hash=b"code", uses=1),
    ]
    of_person = ports.records.invitations.of_person
    assert await of_person(owner.id, "", 2) == made[:2]
    assert await of_person(owner.id, made[1].id, 10) == made[2:]
    assert await of_person(guest.id, "", 10) == made[:1]


async def test_what_expired_long_ago_is_pruned_in_portions(ports: Ports, make: Makers) -> None:
    owner = await make.account()
    circle, now = await make.circle(owner.id), utc_now()
    for age in (3, 2, 1):
        at = now - timedelta(days=age)
        await make.invitation(circle.id, owner.id, code_hash=f"{age}".encode(), expires_at=at)
    prune = ports.records.invitations.prune
    assert [await prune(now - timedelta(hours=36), 1) for _ in range(3)] == [1, 1, 0]
    assert await ports.records.invitations.by_code(b"1") is not None
