"""The audit log in memory."""

from datetime import datetime

from domain.audit import ROOT, Act, AuditLine, LineFilter, sealed
from tests.fakes.tables import Tables


class FakeAudit:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def append(self, act: Act, at: datetime) -> AuditLine:
        seq = len(self._tables.audit) + 1
        previous = self._tables.audit[seq - 1].hash if seq > 1 else ROOT
        self._tables.audit[seq] = sealed(act, seq=seq, at=at, previous=previous)
        return self._tables.audit[seq]

    async def page(self, wanted: LineFilter, before: int | None, limit: int) -> list[AuditLine]:
        found = [
            line
            for line in self._tables.audit.values()
            if wanted.action in ("", line.action)
            and line.action.startswith(wanted.prefix)
            and wanted.actor_id in ("", line.actor_id)
            and wanted.target_id in ("", line.target_id)
            and (before is None or line.seq < before)
        ]
        return found[::-1][:limit]

    async def after(self, seq: int, limit: int) -> list[AuditLine]:
        return [line for line in self._tables.audit.values() if line.seq > seq][:limit]
