"""Who holds which slot of a Redis Cluster, from what its servers say of each other (`CLUSTER NODES`)."""

from collections.abc import Iterable
from typing import NamedTuple

from redis.crc import REDIS_CLUSTER_HASH_SLOTS


class Claim(NamedTuple):
    """A primary's slots, as `(first, last)`; of two claims to a slot the one with the higher epoch counts.

    `own`: it says so itself.
    """

    epoch: int
    own: bool
    address: str
    slots: tuple[tuple[int, int], ...]


def claims_of(view: str, asked: str) -> list[Claim]:
    """The claims in the answer of the server at the address `asked`, which may not know its own address."""
    return [claim for line in view.splitlines() if (claim := _claim_of(line.split(), asked)) is not None]


def _claim_of(words: list[str], asked: str) -> Claim | None:
    flags = words[2].split(",")
    if "master" not in flags or "noaddr" in flags or "handshake" in flags:
        return None
    own = "myself" in flags
    address = words[1].partition("@")[0]
    # Slots on the move are in brackets; who holds them is said without.
    slots = tuple(_range(word) for word in words[8:] if not word.startswith("["))
    return Claim(int(words[6]), own, asked if own else address, slots)


def _range(word: str) -> tuple[int, int]:
    first, _, last = word.partition("-")
    return int(first), int(last or first)


def newest(claims: Iterable[Claim]) -> list[Claim]:
    """One claim a server, in the order in which they are to be believed: the last one most."""
    latest: dict[str, Claim] = {}
    for claim in sorted(claims):
        latest[claim.address] = claim
    return sorted(latest.values())


def holders(claims: Iterable[Claim]) -> list[str | None]:
    """The address that holds each slot; `claims` as `newest` gives them."""
    held: list[str | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
    for claim in claims:
        for first, last in claim.slots:
            held[first : last + 1] = [claim.address] * (last + 1 - first)
    return held
