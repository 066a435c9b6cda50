"""Contact details are found and masked; helplines, prices, times and dates are not contacts."""

import pytest

from domain.moderation import contacts
from domain.moderation.normal import normalise

REACHABLE = [
    ("call me on 555-0123", "phone"),
    ("whatsapp +44 7700 900123", "phone"),
    ("(555) 010-4477 any time", "phone"),
    ("five five five zero one two three", "phone"),
    ("jo.doe@example.com", "email"),
    ("jo dot doe at example dot com", "email"),
    ("I'm @sunny_days over there", "handle"),
    ("discord bluebird#4412", "handle"),
    ("snap: quietfox88", "handle"),
    ("14 Beech Road, come by", "address"),
    ("https://discord.gg/abc", "invite"),
    ("the room is zoom.us/j/5550101234", "invite"),
    ("the gram: quiet_fox", "handle"),
    ("call me, order number 5550134", "phone"),
]
UNREACHABLE = [
    "dial 988",
    "Samaritans 116 123",
    "text HOME to 741741",
    "1-800-273-8255 is the lifeline",
    "day 1,234",
    "born 12/05/1984",
    "slept 11:30-07:15",
    "paid 12,500.00 back",
    "between 2015 - 2021",
    "took 50 mg at 9",
    "order number 5550134 is still on its way",
    "ticket 4471098, three hours in the queue",
    "nine eight seven six five four, breathe out",
    "five five five five five five, says the dice",
]


@pytest.mark.parametrize(("text", "kind"), REACHABLE)
def test_a_contact_is_found(text: str, kind: str) -> None:
    assert kind in {contact.kind for contact in contacts.find(normalise(text))}


@pytest.mark.parametrize("text", UNREACHABLE)
def test_a_number_that_is_no_contact_is_left_alone(text: str) -> None:
    assert contacts.find(normalise(text)) == []


def test_masking_keeps_everything_else() -> None:
    normal = normalise("Call me, Ann, on 555-0123 or ann@example.com. Day 30!")
    masked = contacts.mask(normal, contacts.find(normal))
    assert masked == "Call me, Ann, on [phone removed] or [email removed]. Day 30!"


def test_a_link_to_a_safe_host_is_not_masked() -> None:
    normal = normalise("see https://help.example.org/today")
    found = contacts.find(normal)
    assert contacts.mask(normal, found, safe_links=frozenset({"example.org"})) is None
    assert contacts.mask(normal, found) == "see [url removed]"


def test_a_disguised_number_is_masked_where_it_was_typed() -> None:
    normal = normalise("my number: 5\u200b55-01\u200b23 ok")
    assert contacts.mask(normal, contacts.find(normal)) == "my number: [phone removed] ok"
