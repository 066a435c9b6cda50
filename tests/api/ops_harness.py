"""A browser at our pages for tests: keeps cookies, fills in forms with the token of the page it saw."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
from rest_harness import Answer, Person, Rest

from domain.clock import utc_now
from domain.ids import new_id
from domain.jobs import Job, JobFilter, JobRow, Lane, Outcome, Start, State
from domain.ports import Ports

PASSWORD = "the night shift knows it"
HASHES: list[str] = []
FORM_TOKEN = re.compile(r'name="form_token" value="([0-9a-f]+)"')


class Browser:
    """`site` is the folder of the pages that it looks at."""

    def __init__(self, rest: Rest, site: str = "/ops") -> None:
        self.rest = rest
        self.site = site
        self.cookies: dict[str, str] = {}
        self.token = ""

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        url = self.rest.client.make_url(path)
        async with (
            aiohttp.ClientSession(cookies=self.cookies, cookie_jar=jar()) as http,
            http.request(method, url, allow_redirects=False, **more) as response,
        ):
            text = await response.text()
        for name, morsel in response.cookies.items():
            self.cookies.pop(name, None)
            if morsel.value:
                self.cookies[name] = morsel.value
        self.token = found.group(1) if (found := FORM_TOKEN.search(text)) else self.token
        return Answer(response.status, response.headers, None, text)

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.ask("GET", path, **more)

    async def send(self, path: str, **fields: str) -> Answer:
        return await self.ask("POST", path, data={"form_token": self.token, **fields})

    async def log_in(self, handle: str, password: str = PASSWORD, **fields: str) -> Answer:
        await self.get(f"{self.site}/login")
        return await self.send(f"{self.site}/login", handle=handle, password=password, **fields)


def jar() -> aiohttp.CookieJar:
    """Keeps cookies of addresses without a name, as test servers have."""
    return aiohttp.CookieJar(unsafe=True)


async def person_with(rest: Rest, role: str, handle: str) -> Person:
    """Somebody with `PASSWORD` and a role."""
    person = await rest.register(handle=handle)
    await rest.ports.records.accounts.update(person.id, {"role": role, "password_hash": await hashed(rest)})
    return person


async def hashed(rest: Rest) -> str:
    """The hash of `PASSWORD`, made once: hashing is slow on purpose."""
    if not HASHES:
        HASHES.append(await rest.ports.passwords.hash(PASSWORD))
    return HASHES[0]


async def operator_browser(rest: Rest) -> Browser:
    await person_with(rest, "admin", "night-shift")
    browser = Browser(rest)
    answer = await browser.log_in("night-shift")
    assert (answer.status, answer.headers["Location"]) == (303, "/ops/")
    await browser.get("/ops/jobs")
    return browser


async def add_job(
    ports: Ports, state: State = "queued", *, name: str = "scan_post", lane: Lane = "bulk"
) -> str:
    """A job in a state, and its key."""
    job = Job(name, {"post_id": new_id()}, f"{name}:{new_id()}", lane)
    await ports.jobs.add([job])
    now = utc_now()
    if state != "queued":
        await ports.jobs.started([Start(job, 1, "worker-1", now)])
    if state in {"done", "dead", "cancelled"}:
        error, trace = ("Unavailable:unavailable", "in scan_post\n") if state == "dead" else (None, None)
        outcome = Outcome(job, state, 1, "worker-1", now, now, error=error, trace=trace)
        await ports.jobs.settle([outcome])
    return job.key


async def job_row(ports: Ports, key: str) -> JobRow | None:
    rows = await ports.jobs.find(JobFilter(keys=(key,)))
    return rows[0] if rows else None


async def states_of(ports: Ports, *keys: str) -> list[State | None]:
    """In the order of the keys; None for a job that is gone."""
    rows = {row.key: row.state for row in await ports.jobs.find(JobFilter(keys=keys), limit=len(keys))}
    return [rows.get(key) for key in keys]


def query_of(answer: Answer) -> dict[str, list[str]]:
    """The query of the address that an answer sends to."""
    return parse_qs(urlsplit(answer.headers["Location"]).query)
