"""Naming: what is refused at the door, and what must not be."""

import pytest

from domain import accounts, naming, sessions
from domain.accounts import ADJECTIVES, ANIMALS, EditAccount
from domain.errors import Invalid
from domain.sessions import RegisterAnonymous
from tests.domain.world import World

REFUSED = [
    "tom_5551234567",
    "insta_maria99",
    "anna-gmail-com",
    "Kill-Yourself",
    "k1ll-yourself",
    "fuck_you",
    "bitch",
    "n1gger",
    "buy-oxy-here",
]
KIND = [
    "alice",
    "anna-19870412",
    "sober-2019-04-01",
    "mother-of-3",
    "lonely",
    "lonely-addict",
    "river-helper",
    "want-to-die",
    "gay-and-sober",
    "black-coffee",
]


@pytest.mark.parametrize("handle", REFUSED)
async def test_a_handle_that_carries_contacts_or_attacks_is_refused(world: World, handle: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await sessions.register_anonymous(RegisterAnonymous(handle=handle), world.ports)
    assert refusal.value.field == "handle"
    person = await world.person()
    with pytest.raises(Invalid):
        await accounts.edit_me(EditAccount(handle=handle), person, world.ports)


@pytest.mark.parametrize("handle", KIND)
async def test_an_ordinary_handle_is_taken_as_it_is(world: World, handle: str) -> None:
    registered = await sessions.register_anonymous(RegisterAnonymous(handle=handle), world.ports)
    assert registered.account.handle == handle


async def test_an_avatar_is_read_too(world: World) -> None:
    with pytest.raises(Invalid) as refusal:
        await sessions.register_anonymous(RegisterAnonymous(avatar="fuck-you"), world.ports)
    assert refusal.value.field == "avatar"


STAFF = [
    *(
        "admin",
        "Admin-7",
        "the_admin",
        "administrator",
        "adm1n",
        "moderator",
        "Moderator-Anna",
        "m0derat0r_2",
    ),
    *(
        "mod-team",
        "staff",
        "5taff",
        "Official-Help",
        "operator",
        "op-erator",
        "support-team",
        "support_team1",
    ),
    *("anonymous-support", "crisis-line", "helpdesk", "system"),
    *("support", "Supp0rt", "support-7", "safety-team", "somebody"),
]
FREE = ["badminton-fan", "moderately-fine", "need-support", "modest-owl", "admiral-ten", "mood-42", "officer"]


@pytest.mark.parametrize("handle", STAFF)
async def test_nobody_is_named_like_those_who_run_this(world: World, handle: str) -> None:
    person = await world.person()
    with pytest.raises(Invalid) as refusal:
        await sessions.register_anonymous(RegisterAnonymous(handle=handle), world.ports)
    assert refusal.value.field == "handle"
    with pytest.raises(Invalid):
        await accounts.edit_me(EditAccount(handle=handle), person, world.ports)


@pytest.mark.parametrize("handle", FREE)
def test_a_handle_that_only_begins_alike_is_free(handle: str) -> None:
    naming.check_not_staff(handle, "handle")


def test_no_handle_that_we_invent_would_be_refused() -> None:
    for adjective, animal in zip(ADJECTIVES, ANIMALS, strict=False):
        naming.check_handle(f"{adjective}-{animal}-482193", "handle")
        naming.check_handle(animal, "avatar")


LABELS = [
    *("alcohol", "opioids", "heroin", "fentanyl", "cannabis", "gambling", "porn", "sex_addiction"),
    *("self_harm", "suicide", "eating_disorder", "lonely", "payday", "90_days", "ex_partner", "work_stress"),
    *sorted(naming.TROUBLES),
]


def test_a_label_that_names_a_trouble_is_no_offence() -> None:
    naming.check_slugs(LABELS, "categories")


@pytest.mark.parametrize("slug", ["buy_oxy", "fuck_you", "call_5551234567", "kill_yourself", "junkie_bitch"])
def test_a_label_that_is_one_is_refused(slug: str) -> None:
    with pytest.raises(Invalid) as refusal:
        naming.check_slugs(["alcohol", slug], "categories")
    assert refusal.value.field == "categories"
