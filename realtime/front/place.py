"""Which of the processes a worker is, and whose a session is."""

import re
from dataclasses import dataclass, field
from typing import Final

from realtime.front.pulse import Pulse

PROCESSES_MAX: Final = 256

_MARKED: Final = re.compile(r"([0-9a-f]{2})-")
_MARKED_IN_TARGET: Final = re.compile(rb"[?&]sid=([0-9a-f]{2})-")


@dataclass(frozen=True, slots=True)
class Place:
    """A worker's place among those that serve a port.

    index: 0 to `processes` - 1; a worker that is started again keeps it. family: a name that the processes of
    one parent share and no others have. host, port: what all of them listen on. pulse: tells its parent
    that it has not hung.
    """

    index: int
    processes: int
    family: str
    host: str
    port: int
    pulse: Pulse = field(default_factory=Pulse, compare=False, repr=False)

    def mark(self, session_id: str) -> str:
        """`session_id` with its owner written in front."""
        return f"{self.index:02x}-{session_id}"

    def other_owner(self, session_id: str) -> int | None:
        """The worker that a session belongs to; None when it is this one, or nobody's."""
        return self._other(_MARKED.match(session_id))

    def other_owner_in(self, request_line: bytes) -> int | None:
        """`other_owner` of the session that a request line names.

        It knows the usual spelling of a query only: what it overlooks, `other_owner` has to find.
        """
        return self._other(_MARKED_IN_TARGET.search(request_line))

    def address(self, index: int) -> str:
        """Where worker `index` takes connections from the others: an abstract Unix address."""
        return f"\0{self.family}.{index}"

    @property
    def metrics(self) -> list[str]:
        """Where each worker lets the others read its metrics."""
        return [f"{self.address(index)}.metrics" for index in range(self.processes)]

    def _other(self, found: "re.Match[str] | re.Match[bytes] | None") -> int | None:
        if found is None:
            return None
        index = int(found[1], 16)
        return index if index != self.index and index < self.processes else None
