"""Check-ins, cravings and slips, for oneself alone."""

from domain import checkins, cravings, moments
from domain.checkins import RecordCheckIn, RecordSlip
from domain.cravings import CravingAnswer, RecordCraving
from domain.moments import Moment
from domain.ports import Ports
from domain.trackers import TrackerAnswer
from realtime.actor import on
from realtime.client import Client


def crisis_help(command: Moment, client: Client) -> dict[str, object] | None:
    """As with a post, the numbers go out with a refusal too."""
    resources = moments.offered_help(command, client.user)
    return {"crisis": resources} if resources else None


class TrackerActor:
    def __init__(self, ports: Ports) -> None:
        self.ports = ports

    @on("checkin:record", RecordCheckIn, console=crisis_help)
    async def check_in(self, client: Client, command: RecordCheckIn) -> TrackerAnswer:
        return await checkins.record_check_in(command, client.user, self.ports)

    @on("craving:record", RecordCraving, console=crisis_help)
    async def craving(self, client: Client, command: RecordCraving) -> CravingAnswer:
        return await cravings.record_craving(command, client.user, self.ports)

    @on("slip:record", RecordSlip, console=crisis_help)
    async def slip(self, client: Client, command: RecordSlip) -> TrackerAnswer:
        return await checkins.record_slip(command, client.user, self.ports)
