"""Reconciliation: what is kept beside the truth (balances, counters) is compared with it and put right."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from domain import events, posts
from domain.events import Event
from domain.ids import derived_id
from domain.jobs import Job
from domain.pages import Cursor
from domain.ports import Ports
from domain.posts import Post, PostFilter

BALANCE_LIMIT = 1_000
"""Balances put right in one run."""
PAGE = 200
RECOUNT_AFTER = timedelta(minutes=2)
"""By then whoever was about to count has counted, or died."""
COUNTED = PostFilter(statuses=("live", "closed", "held", "hidden"))


class Drift(msgspec.Struct, frozen=True):
    """What has to be added to a post's counters for them to be right; zeros are left out."""

    responses: int
    supports: dict[str, int]

    def __bool__(self) -> bool:
        return bool(self.responses or self.supports)

    @property
    def text(self) -> str:
        """The same for the same drift, for the arguments of a job."""
        return msgspec.json.encode(self, order="sorted").decode()


async def reconcile_balances(ports: Ports) -> dict[str, int]:
    """Makes every kept balance the sum of its ledger; returns by how much each that was wrong was off."""
    found = {}
    for account_id in await ports.records.ledger.drifted(BALANCE_LIMIT):
        async with ports.transaction() as tx:
            found[account_id] = await tx.ledger.repair(account_id)
    return {account_id: off for account_id, off in found.items() if off}


async def suspect_counts(ports: Ports) -> int:
    """Looks at the counters of all posts that still count; each that is off is looked at again later.

    A counter is off for a moment in every response: the document comes first, its count second. Only a drift
    that is the same after `RECOUNT_AFTER` is real.
    """
    suspects, after = 0, None
    while page := await ports.content.posts.page(COUNTED, after, PAGE):
        jobs = [recount_job(post, drift, ports) for post, drift in await _drifts(page, ports) if drift]
        suspects += len(jobs)
        if jobs:
            await ports.queue.push(await ports.records.jobs.add(jobs))
        after = _behind(page)
    return suspects


def _behind(page: Sequence[Post]) -> Cursor:
    return posts.sort_key(page[-1], COUNTED)


def recount_job(post: Post, drift: Drift, ports: Ports) -> Job:
    return Job(
        name="recount_post",
        args={"post_id": post.id, "drift": drift.text},
        key=f"recount_post:{post.id}",
        lane="bulk",
        run_at=ports.now() + RECOUNT_AFTER,
        repeats=True,
    )


async def _drifts(page: Sequence[Post], ports: Ports) -> list[tuple[Post, Drift]]:
    ids = [post.id for post in page]
    said = await ports.content.responses.counts(ids)
    given = await ports.content.supports.counts(ids)
    return [(post, drift_of(post, said.get(post.id, 0), given.get(post.id, {}))) for post in page]


def drift_of(post: Post, responses: int, supports: dict[str, int]) -> Drift:
    off = {kind: supports.get(kind, 0) - post.supports.get(kind, 0) for kind in {*post.supports, *supports}}
    return Drift(responses - post.responses, {kind: by for kind, by in sorted(off.items()) if by})


async def recount_post(post_id: str, drift: str, ports: Ports) -> bool:
    """Puts the counters right when they are off as they were before; says whether it did."""
    post = await ports.content.posts.get(post_id)
    if post is None or post.status not in COUNTED.statuses:
        return False
    ((_, found),) = await _drifts([post], ports)
    if not found or found.text != drift:
        return False
    await ports.content.posts.shift_counts(post.id, found.responses, found.supports)
    await _tell_recounted(post, drift, ports)
    return True


async def _tell_recounted(post: Post, drift: str, ports: Ports) -> None:
    event = Event(
        id=derived_id("post:changed", post.id, "recounted", drift, str(ports.now().date())),
        name="post:changed",
        at=ports.now(),
        refs={"post_id": post.id},
        actor=post.author_id,
    )
    async with ports.transaction() as tx:
        await events.record(event, [], tx)
    ports.announcer.announce(event)
