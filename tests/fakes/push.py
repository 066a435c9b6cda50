"""Push services in memory: what was sent, and to whom it cannot be."""

from domain.devices import Address, Platform
from domain.errors import DomainError
from domain.pushing import PushMessage

ALL: frozenset[Platform] = frozenset({"ios", "android", "web"})


class FakePush:
    """`dead` addresses are gone, `failures` are raised for theirs."""

    def __init__(self) -> None:
        self.platforms = ALL
        self.web_key: str | None = "a-web-key"
        self.sent: list[tuple[Address, PushMessage]] = []
        self.dead: set[str] = set()
        self.failures: dict[str, DomainError] = {}

    async def send(self, address: Address, message: PushMessage) -> bool:
        if address.token in self.failures:
            raise self.failures[address.token]
        if address.token in self.dead:
            return False
        self.sent.append((address, message))
        return True
