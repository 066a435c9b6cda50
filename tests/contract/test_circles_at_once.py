"""Whatever people do with a circle all at once, it stays whole: on real stores this is what locks are for."""

import asyncio
import random

import pytest

from domain.accounts import User
from domain.ids import new_id
from domain.ports import Ports
from tests.circle_life import DEEDS, begun
from tests.contract.makers import Makers

PEOPLE, DEEDS_AT_ONCE, ROUNDS = 8, 12, 6


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_circle_stays_whole_whatever_happens_at_once(seed: int, ports: Ports, make: Makers) -> None:
    chance = random.Random(seed)
    accounts = [await make.account() for _ in range(PEOPLE)]
    people = [User(id=account.id, session_id=new_id()) for account in accounts]
    life = await begun(ports, people)
    for person in people[1:4]:
        await life.do(("join", people.index(person), 0))
    for _ in range(ROUNDS):
        deeds = [
            (chance.choice(sorted(DEEDS)), chance.randrange(PEOPLE), chance.randrange(PEOPLE))
            for _ in range(DEEDS_AT_ONCE)
        ]
        await asyncio.gather(*(life.do(deed) for deed in deeds))
        await life.check()
    await ports.announcer.drain()
