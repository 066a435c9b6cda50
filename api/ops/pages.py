"""The pages of the dashboard."""

from typing import Annotated
from urllib.parse import urlencode

import msgspec

from api.ops.actions import (
    LaneVerb,
    Verb,
    change_lane,
    change_matching,
    change_one,
    count_matching,
    possible_actions,
)
from api.ops.search import JobSearch, Key, OneJob, PageOfJobs, find_job, find_jobs
from api.ops.sos import sos_state
from api.ops.watch import Watch
from api.site.desk import Moved, Pages, Shown, Visit
from domain.jobs import BULK_LIMIT, FINISHED, LANES, UNFINISHED, Lane
from domain.wire import Command, Nothing

PAGES: Pages[Watch] = Pages()
Changed = Annotated[int, msgspec.Meta(ge=0, le=BULK_LIMIT)]


class JobsPage(PageOfJobs, frozen=True, kw_only=True):
    """`did` and `changed` tell what the operator did on the page before."""

    did: Verb | None = None
    changed: Changed = 0


class JobPage(OneJob, frozen=True, kw_only=True):
    did: Verb | None = None
    changed: Changed = 0


class ChangeJob(Command, frozen=True, kw_only=True):
    verb: Verb
    key: Key


class ChangeJobs(JobSearch, frozen=True, kw_only=True):
    verb: Verb


class ChangeLane(Command, frozen=True, kw_only=True):
    verb: LaneVerb
    lane: Lane


@PAGES.on("GET", "/ops/")
async def show_overview(_: Nothing, visit: Visit[Watch]) -> Shown:
    overview = await visit.kept.overview()
    live = ("stores", "numbers", "lanes", "workers", "schedule")
    return Shown("overview", {"overview": overview, "switches": False}, live)


@PAGES.on("GET", "/ops/lanes")
async def show_lanes(_: Nothing, visit: Visit[Watch]) -> Shown:
    return Shown("lanes", {"overview": await visit.kept.overview(), "switches": True}, ("lanes",))


@PAGES.on("GET", "/ops/lanes/{lane}/{verb}")
async def confirm_lane(command: ChangeLane, visit: Visit[Watch]) -> Shown:
    return Shown("confirm_lane", {"command": command})


@PAGES.on("POST", "/ops/lanes/{lane}/{verb}")
async def switch_lane(command: ChangeLane, visit: Visit[Watch]) -> Moved:
    await change_lane(command.verb, command.lane, visit.user, visit.ports)
    visit.kept.forget()
    return Moved("/ops/lanes")


@PAGES.on("GET", "/ops/sos")
async def show_sos(_: Nothing, visit: Visit[Watch]) -> Shown:
    return Shown("sos", {"sos": await sos_state(visit.ports)}, ("sos",))


@PAGES.on("GET", "/ops/jobs")
async def show_jobs(search: JobsPage, visit: Visit[Watch]) -> Shown:
    found = await find_jobs(search, visit.ports)
    known = {"lanes": LANES, "states": (*UNFINISHED, *FINISHED)}
    return Shown("jobs", {"search": search, "found": found, **known}, ("jobs",))


@PAGES.on("GET", "/ops/job")
async def show_job(command: JobPage, visit: Visit[Watch]) -> Shown:
    job = await find_job(command.key, visit.ports)
    return Shown("job", {"job": job, "command": command, "actions": possible_actions(job.state)}, ("job",))


@PAGES.on("POST", "/ops/job/{verb}")
async def act_on_job(command: ChangeJob, visit: Visit[Watch]) -> Moved:
    changed = await change_one(command.verb, command.key, visit.user, visit.ports)
    visit.kept.forget()
    told = {"did": command.verb, "changed": changed}
    if command.verb == "discard" and changed:
        return Moved(f"/ops/jobs?{urlencode(told)}")
    return Moved(f"/ops/job?{urlencode({'key': command.key, **told})}")


@PAGES.on("GET", "/ops/jobs/{verb}")
async def confirm(command: ChangeJobs, visit: Visit[Watch]) -> Shown:
    matching = await count_matching(command.verb, command, visit.ports)
    return Shown("confirm", {"command": command, "matching": matching, "limit": BULK_LIMIT})


@PAGES.on("POST", "/ops/jobs/{verb}")
async def act_on_jobs(command: ChangeJobs, visit: Visit[Watch]) -> Moved:
    changed = await change_matching(command.verb, command, visit.user, visit.ports)
    visit.kept.forget()
    return Moved(f"/ops/jobs?{urlencode({**command.given, 'did': command.verb, 'changed': changed})}")
