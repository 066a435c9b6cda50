"""Searching jobs: what an operator may ask for, and pages of what matches."""

from typing import Annotated
from urllib.parse import urlencode

import msgspec

from domain.errors import NotFound
from domain.jobs import JobFilter, JobRow, Lane, State
from domain.pages import Page, decode_cursor, encode_cursor
from domain.ports import Ports
from domain.wire import Command

PAGE_SIZE = 50
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Key = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
Error = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class JobSearch(Command, frozen=True, kw_only=True):
    """Every part that is given must match: `prefix` the beginning of the key, the others exactly."""

    name: Name | None = None
    lane: Lane | None = None
    state: State | None = None
    prefix: Key | None = None
    error: Error | None = None

    @property
    def given(self) -> dict[str, str]:
        """The parts that are set, by name."""
        values = {name: getattr(self, name) for name in JobSearch.__struct_fields__}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def query(self) -> str:
        return urlencode(self.given)

    def filter(self, states: tuple[State, ...] | None = None) -> JobFilter:
        """`states` unless one is searched for."""
        return JobFilter(
            key_prefix=self.prefix,
            name=self.name,
            lane=self.lane,
            states=states if self.state is None else (self.state,),
            error=self.error,
        )


class PageOfJobs(JobSearch, frozen=True, kw_only=True):
    """One page of a search."""

    cursor: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class OneJob(Command, frozen=True, kw_only=True):
    key: Key


async def find_jobs(search: PageOfJobs, ports: Ports) -> Page[JobRow]:
    """Newest first; the cursor stays good while jobs come and go."""
    position = decode_cursor(search.cursor)
    before = msgspec.convert(position[0], int, strict=False) if position else None
    rows = await ports.jobs.find(search.filter(), before=before, limit=PAGE_SIZE + 1)
    more = len(rows) > PAGE_SIZE
    page = rows[:PAGE_SIZE]
    return Page(items=page, next_cursor=encode_cursor([page[-1].row]) if more else None)


async def find_job(key: str, ports: Ports) -> JobRow:
    for row in await ports.jobs.find(JobFilter(keys=(key,)), limit=1):
        return row
    raise NotFound("There is no such job. Finished jobs are kept for some days only.")
