"""What operators do to jobs and lanes. Every action is logged with the account that took it."""

from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

import structlog

from api.ops.search import JobSearch
from domain import audit, jobs
from domain.accounts import User
from domain.errors import Invalid
from domain.jobs import BULK_LIMIT, FINISHED, UNFINISHED, JobFilter, Lane, State
from domain.ports import Ports

log = structlog.get_logger(__name__)

Verb = Literal["cancel", "requeue", "discard"]
LaneVerb = Literal["pause", "resume"]


class Action(NamedTuple):
    """`possible`: states it works on; `usual`: those it takes from a search that names no state."""

    run: Callable[[JobFilter, Ports], Awaitable[int]]
    possible: tuple[State, ...]
    usual: tuple[State, ...]


ACTIONS: dict[Verb, Action] = {
    "cancel": Action(jobs.cancel_jobs, UNFINISHED, UNFINISHED),
    # What is done is run again, or forgotten, only when somebody asks for exactly that.
    "requeue": Action(jobs.requeue_jobs, FINISHED, ("dead", "cancelled")),
    "discard": Action(jobs.discard_jobs, FINISHED, ("dead", "cancelled")),
}


def possible_actions(state: State) -> list[Verb]:
    return [verb for verb, action in ACTIONS.items() if state in action.possible]


async def count_matching(verb: Verb, search: JobSearch, ports: Ports) -> int:
    """How many jobs the action would change; one above `BULK_LIMIT` stands for more."""
    return len(await ports.jobs.find(bulk_filter(verb, search), limit=BULK_LIMIT + 1))


def bulk_filter(verb: Verb, search: JobSearch) -> JobFilter:
    """Raises `Invalid` for a search that would take everything, or only what the action cannot change."""
    if not search.given:
        raise Invalid("Please narrow the search first.")
    which = search.filter(ACTIONS[verb].usual)
    if not set(which.states or ()) <= set(ACTIONS[verb].possible):
        raise Invalid(f"Jobs in this state cannot be changed this way ({verb}).", field="state")
    return which


async def change_matching(verb: Verb, search: JobSearch, user: User, ports: Ports) -> int:
    """At most `BULK_LIMIT` at once; returns how many."""
    which = bulk_filter(verb, search)
    await _note(f"operator.{verb}", user, ports, target="jobs", **by_parts(search))
    changed = await ACTIONS[verb].run(which, ports)
    log.info("operator.jobs_changed", account_id=user.id, action=verb, search=search.given, changed=changed)
    return changed


async def change_one(verb: Verb, key: str, user: User, ports: Ports) -> int:
    """1, or 0 for a job that ended, began or went away meanwhile."""
    await _note(f"operator.{verb}", user, ports, target="job", target_id=key)
    changed = await ACTIONS[verb].run(JobFilter(keys=(key,)), ports)
    log.info("operator.jobs_changed", account_id=user.id, action=verb, key=key, changed=changed)
    return changed


async def change_lane(verb: LaneVerb, lane: Lane, user: User, ports: Ports) -> None:
    await _note(f"operator.{verb}", user, ports, target="lane", target_id=lane)
    change = jobs.pause_lane if verb == "pause" else jobs.resume_lane
    await change(lane, ports)
    log.warning("operator.lane_changed", account_id=user.id, action=verb, lane=lane)


async def _note(action: str, user: User, ports: Ports, **what: str) -> None:
    """Before it is done: an action may fail afterwards, but none goes unseen."""
    async with ports.transaction() as tx:
        await audit.note(action, user.id, tx, ports, **what)


def by_parts(search: JobSearch) -> dict[str, str]:
    return {f"by_{name}": value for name, value in search.given.items()}
