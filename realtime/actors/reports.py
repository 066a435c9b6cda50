"""Reports."""

from domain import reports
from domain.ports import Ports
from domain.reports import CreateReport, Reported
from realtime.actor import on
from realtime.client import Client


class ReportActor:
    def __init__(self, ports: Ports) -> None:
        self.ports = ports

    @on("report:create", CreateReport)
    async def create(self, client: Client, command: CreateReport) -> Reported:
        return await reports.create_report(command, client.user, self.ports)
