"""What a stand-in was sent, and what it is told to answer."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Request(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class Reply(NamedTuple):
    status: int = 200
    body: Any = None
    headers: dict[str, str] = {}


@dataclass
class Received:
    """Requests in order; `replies` are used up one by one for a path that ends like this."""

    requests: list[Request] = field(default_factory=list)
    replies: dict[str, list[Reply]] = field(default_factory=lambda: defaultdict(list))

    def reply_to(self, request: Request, usual: Reply) -> Reply:
        self.requests.append(request)
        for ending, waiting in self.replies.items():
            if waiting and ending in request.path + request.body.decode("latin-1"):
                return waiting.pop(0)
        return usual
