"""What every list can be asked: how many items, and from where."""

from typing import Annotated

import msgspec

from domain import pages
from domain.ports import Ports
from domain.wire import Command


class PageQuery(Command, frozen=True):
    """`cursor` is the `next_cursor` of the page before."""

    limit: int | None = None
    cursor: Annotated[str, msgspec.Meta(max_length=pages.CURSOR_CHARACTERS_MAX)] | None = None

    def size(self, ports: Ports) -> int:
        """How many items the page holds; raises `Invalid` out of bounds."""
        return pages.page_limit(self.limit, usual=ports.settings.page_size, most=ports.settings.page_size_max)
