"""`/ops/api/`: the dashboard for scripts, in JSON, with an admin's access token as bearer."""

from api.ops.actions import LaneVerb, Verb, change_lane, change_matching, change_one
from api.ops.search import JobSearch, Key, OneJob, PageOfJobs, find_job, find_jobs
from api.ops.sos import SosState, sos_state
from api.ops.watch import Overview, Watch
from api.route import Routes
from domain import access
from domain.accounts import User
from domain.errors import Invalid
from domain.jobs import JobRow, Lane
from domain.pages import Page
from domain.ports import Ports
from domain.wire import Command, Nothing, View


class ChangeJobs(JobSearch, frozen=True, kw_only=True):
    """Either one job by `key`, or those a search finds."""

    verb: Verb
    key: Key | None = None


class ChangeLane(Command, frozen=True, kw_only=True):
    verb: LaneVerb
    lane: Lane


class Changed(View, frozen=True):
    changed: int


class LaneChanged(View, frozen=True):
    lane: Lane
    paused: bool


class Scripts:
    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self.routes = Routes()
        self.routes.signed_in("GET", "/ops/api/overview")(self.show_overview)
        self.routes.signed_in("GET", "/ops/api/sos")(self.show_sos)
        self.routes.signed_in("GET", "/ops/api/jobs")(self.list_jobs)
        self.routes.signed_in("GET", "/ops/api/job")(self.show_job)
        self.routes.signed_in("POST", "/ops/api/jobs")(self.change_jobs)
        self.routes.signed_in("POST", "/ops/api/lanes")(self.change_lane)

    async def show_overview(self, _: Nothing, user: User, ports: Ports) -> Overview:
        """Everything the overview page shows."""
        access.check_operator(user)
        return await self._watch.overview()

    async def show_sos(self, _: Nothing, user: User, ports: Ports) -> SosState:
        """What nobody has answered yet, and how long the others waited."""
        access.check_operator(user)
        return await sos_state(ports)

    async def list_jobs(self, command: PageOfJobs, user: User, ports: Ports) -> Page[JobRow]:
        """Jobs that match, newest first."""
        access.check_operator(user)
        return await find_jobs(command, ports)

    async def show_job(self, command: OneJob, user: User, ports: Ports) -> JobRow:
        """One job by its key."""
        access.check_operator(user)
        return await find_job(command.key, ports)

    async def change_jobs(self, command: ChangeJobs, user: User, ports: Ports) -> Changed:
        """Cancels, requeues or discards; says how many."""
        access.check_operator(user)
        self._watch.forget()
        if command.key is None:
            return Changed(changed=await change_matching(command.verb, command, user, ports))
        if command.given:
            raise Invalid("Please give either a key or a search.", field="key")
        return Changed(changed=await change_one(command.verb, command.key, user, ports))

    async def change_lane(self, command: ChangeLane, user: User, ports: Ports) -> LaneChanged:
        """Pauses or resumes a lane."""
        access.check_operator(user)
        await change_lane(command.verb, command.lane, user, ports)
        self._watch.forget()
        return LaneChanged(lane=command.lane, paused=command.verb == "pause")
