"""What operators do to jobs and lanes really happens, to exactly what they chose, and is recorded."""

from dataclasses import replace
from typing import Any

import pytest
from ops_harness import Browser, add_job, job_row, operator_browser, person_with, query_of, states_of
from rest_harness import Person, Rest, opened
from structlog.testing import capture_logs

from domain.clock import utc_now
from domain.ids import new_id
from domain.jobs import Job, Slot
from domain.ports import Ports
from tests.fakes.outage import Away


@pytest.fixture
async def browser(rest: Rest) -> Browser:
    """An admin's, logged in."""
    return await operator_browser(rest)


@pytest.fixture
async def admin(rest: Rest) -> Person:
    """An admin with an access token, as a script would have it."""
    return await person_with(rest, "admin", "night-script")


async def test_a_lane_is_paused_and_resumed(rest: Rest, browser: Browser) -> None:
    answer = await browser.send("/ops/lanes/bulk/pause")
    assert (answer.status, answer.headers["Location"]) == (303, "/ops/lanes")
    assert await rest.ports.jobs.paused() == {"bulk"}
    assert (await rest.ports.queue.depths())["bulk"].paused
    assert 'action="/ops/lanes/bulk/resume"' in (await browser.get("/ops/lanes")).text
    await browser.send("/ops/lanes/bulk/resume")
    assert await rest.ports.jobs.paused() == set()
    assert not (await rest.ports.queue.depths())["bulk"].paused


@pytest.mark.parametrize(
    ("verb", "state", "after"),
    [
        ("requeue", "dead", "queued"),
        ("requeue", "cancelled", "queued"),
        ("requeue", "done", "queued"),
        ("cancel", "queued", "cancelled"),
        ("cancel", "started", "cancelled"),
        ("discard", "dead", None),
    ],
)
async def test_one_job_is_changed_and_its_neighbour_is_not(
    rest: Rest, browser: Browser, verb: str, state: Any, after: str | None
) -> None:
    key, neighbour = await add_job(rest.ports, state), await add_job(rest.ports, state)
    assert f'action="/ops/job/{verb}"' in (await browser.get(f"/ops/job?key={key}")).text
    answer = await browser.send(f"/ops/job/{verb}", key=key)
    assert (query_of(answer)["did"], query_of(answer)["changed"]) == ([verb], ["1"])
    assert await states_of(rest.ports, key, neighbour) == [after, state]
    assert (await browser.get(answer.headers["Location"])).status == 200


async def test_a_requeued_job_is_there_for_a_worker_at_once(rest: Rest, browser: Browser) -> None:
    key = await add_job(rest.ports, "dead", lane="urgent")
    assert (await rest.ports.queue.depths())["urgent"].due == 0
    await browser.send("/ops/job/requeue", key=key)
    (claim,), _ = await rest.ports.queue.claim("urgent", 1, 5.0)
    assert (claim.job.key, claim.job.run) == (key, 2)


async def test_what_cannot_be_done_any_more_is_said(rest: Rest, browser: Browser) -> None:
    key = await add_job(rest.ports, "done")
    answer = await browser.send("/ops/job/cancel", key=key)
    assert query_of(answer)["changed"] == ["0"]
    assert "Nothing was cancelled" in (await browser.get(answer.headers["Location"])).text
    assert await states_of(rest.ports, key) == ["done"]


async def test_a_search_is_changed_after_saying_how_many(rest: Rest, browser: Browser) -> None:
    dead = [await add_job(rest.ports, "dead") for _ in range(3)]
    others = [await add_job(rest.ports, "dead", name="other"), await add_job(rest.ports, "done")]
    asked = await browser.get("/ops/jobs/requeue?name=scan_post&state=dead")
    assert "Requeue 3 jobs?" in asked.text
    assert await states_of(rest.ports, *dead) == ["dead"] * 3
    answer = await browser.send("/ops/jobs/requeue", name="scan_post", state="dead")
    assert query_of(answer)["changed"] == ["3"]
    assert await states_of(rest.ports, *dead) == ["queued"] * 3
    assert await states_of(rest.ports, *others) == ["dead", "done"]
    assert "3 jobs requeued." in (await browser.get(answer.headers["Location"])).text


async def test_done_jobs_run_again_only_when_they_are_searched_for(rest: Rest, browser: Browser) -> None:
    done, dead = await add_job(rest.ports, "done"), await add_job(rest.ports, "dead")
    assert "Requeue 1 job?" in (await browser.get("/ops/jobs/requeue?name=scan_post")).text
    await browser.send("/ops/jobs/requeue", name="scan_post")
    assert await states_of(rest.ports, done, dead) == ["done", "queued"]
    await browser.send("/ops/jobs/requeue", name="scan_post", state="done")
    assert await states_of(rest.ports, done) == ["queued"]


@pytest.mark.parametrize(
    ("verb", "fields"), [("discard", {}), ("cancel", {"state": "done"}), ("requeue", {"state": "queued"})]
)
async def test_a_search_for_everything_or_for_the_impossible_changes_nothing(
    rest: Rest, browser: Browser, verb: str, fields: dict[str, str]
) -> None:
    keys = [await add_job(rest.ports, "dead"), await add_job(rest.ports), await add_job(rest.ports, "done")]
    assert (await browser.get(f"/ops/jobs/{verb}", params=fields)).status == 400
    assert (await browser.send(f"/ops/jobs/{verb}", **fields)).status == 400
    assert await states_of(rest.ports, *keys) == ["dead", "queued", "done"]


async def test_more_than_the_bound_is_said_and_done_in_steps(rest: Rest, browser: Browser) -> None:
    jobs = [Job("many", {}, f"many:{number}", "bulk") for number in range(1_005)]
    await rest.ports.jobs.add(jobs)
    assert "Cancel more than 1,000 jobs?" in (await browser.get("/ops/jobs/cancel?name=many")).text
    first = await browser.send("/ops/jobs/cancel", name="many")
    second = await browser.send("/ops/jobs/cancel", name="many")
    assert (query_of(first)["changed"], query_of(second)["changed"]) == (["1000"], ["5"])


@pytest.mark.parametrize(
    "path",
    [
        "/ops/jobs?lane=slow",
        "/ops/jobs?state=lost",
        "/ops/jobs?colour=red",
        "/ops/jobs?name=a&name=b",
        "/ops/jobs?cursor=made-up",
        "/ops/jobs?name=%00",
        "/ops/jobs/erase?state=dead",
    ],
)
async def test_a_bad_question_is_refused_in_words(browser: Browser, path: str) -> None:
    answer = await browser.get(path)
    assert (answer.status, answer.headers["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert "That did not work" in answer.text


async def test_a_job_that_is_gone_is_not_found(browser: Browser) -> None:
    answer = await browser.get("/ops/job?key=scan_post:gone")
    assert (answer.status, "There is no such job" in answer.text) == (404, True)


async def test_pages_of_a_search_hold_each_job_once_while_others_come(rest: Rest, admin: Person) -> None:
    keys = {job.key for job in await rest.ports.jobs.add(numbered(120))}
    seen: list[str] = []
    query: dict[str, str] = {"name": "walked"}
    while True:
        page = (await admin.get("/ops/api/jobs", **query)).body
        seen += [job["key"] for job in page["items"]]
        if page["next_cursor"] is None:
            break
        await rest.ports.jobs.add([Job("walked", {}, f"late:{new_id()}", "bulk")])
        query["cursor"] = page["next_cursor"]
    assert len(seen) == 120
    assert set(seen) == keys


def numbered(count: int) -> list[Job]:
    return [Job("walked", {}, f"walked:{number}", "bulk") for number in range(count)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"dead", "waiting"}),
        ({"name": "scan_post"}, {"dead"}),
        ({"lane": "urgent"}, {"waiting"}),
        ({"state": "dead"}, {"dead"}),
        ({"prefix": "notify:"}, {"waiting"}),
        ({"error": "Unavailable:unavailable"}, {"dead"}),
        ({"state": "dead", "lane": "urgent"}, set()),
    ],
)
async def test_jobs_are_found_by_every_part_of_a_search(
    rest: Rest, admin: Person, query: dict[str, str], found: set[str]
) -> None:
    keys = {
        await add_job(rest.ports, "dead"): "dead",
        await add_job(rest.ports, name="notify", lane="urgent"): "waiting",
    }
    items = (await admin.get("/ops/api/jobs", **query)).body["items"]
    assert {keys[job["key"]] for job in items} == found


async def test_scripts_do_what_pages_do(rest: Rest, admin: Person) -> None:
    dead, one = await add_job(rest.ports, "dead", lane="urgent"), await add_job(rest.ports)
    searched = await admin.ask("POST", "/ops/api/jobs", {"verb": "requeue", "lane": "urgent"})
    named = await admin.ask("POST", "/ops/api/jobs", {"verb": "cancel", "key": one})
    assert (searched.body, named.body) == ({"changed": 1}, {"changed": 1})
    assert await states_of(rest.ports, dead, one) == ["queued", "cancelled"]
    paused = await admin.ask("POST", "/ops/api/lanes", {"verb": "pause", "lane": "default"})
    assert paused.body == {"lane": "default", "paused": True}
    assert await rest.ports.jobs.paused() == {"default"}


@pytest.mark.parametrize(
    "body",
    [{"verb": "discard"}, {"verb": "erase", "state": "dead"}, {"verb": "cancel", "key": "a", "name": "b"}],
)
async def test_a_script_that_is_not_clear_is_refused(admin: Person, body: dict[str, str]) -> None:
    answer = await admin.ask("POST", "/ops/api/jobs", body)
    assert answer.error[:2] == (400, "invalid")


async def test_the_overview_tells_what_the_stores_and_workers_tell(rest: Rest, admin: Person) -> None:
    await add_job(rest.ports, "dead", lane="urgent")
    await rest.ports.queue.push([Job("scan_post", {}, "scan_post:waits", "urgent")])
    await rest.ports.jobs.plan([Slot("prune_jobs", "0 17 * * * *", utc_now())])
    await rest.ports.queue.beat("worker-1", heartbeat(), 30)
    body = (await admin.get("/ops/api/overview")).body
    assert {store["name"]: store["ok"] for store in body["stores"]} == dict.fromkeys(
        ("postgres", "mongodb", "redis"), True
    )
    urgent = next(lane for lane in body["lanes"] if lane["lane"] == "urgent")
    assert (urgent["due"], urgent["running"], urgent["slots"], urgent["dead"]) == (1, 2, 32, 1)
    assert body["outbox"] == {"rows": 0, "oldest_seconds": 0.0}
    assert body["sos"] == {"open": 0, "oldest_seconds": 0.0}
    assert [worker["rss_bytes"] for worker in body["workers"]] == [90_000_000]
    assert [slot["name"] for slot in body["schedule"]] == ["prune_jobs"]


def heartbeat() -> dict[str, object]:
    busy = {"id": "scan_post:1#2", "name": "scan_post", "lane": "urgent", "attempt": 1}
    return {
        "id": "worker-1",
        "host": "worker-host",
        "pid": 7,
        "version": "1.2.3",
        "seen_at": "2026-01-01T00:00:00.000Z",
        "rss_bytes": 90_000_000,
        "lanes": {"urgent": {"running": 2, "slots": 32}},
        "busy": [{**busy, "started_at": "2026-01-01T00:00:00.000Z", "done": 1, "total": 2}],
    }


async def test_an_sos_that_waits_is_shown_without_a_word_of_it(
    rest: Rest, browser: Browser, admin: Person
) -> None:
    author, helper = await rest.register(), await rest.register()
    waits = await author.post("canary-content", type="sos", categories=["canary_word", "alcohol"])
    answered = await author.post("canary-content", type="sos")
    await helper.respond(answered)
    page = await browser.get("/ops/sos")
    assert waits in page.text
    assert answered not in page.text
    assert "canary" not in page.text
    body = (await admin.get("/ops/api/sos")).body
    (one,) = body["open"]
    assert (one["post_id"], one["category"], one["asked_of"]) == (waits, "alcohol", "nobody yet")
    assert (body["answered"], body["unanswered"]) == (1, 0)
    assert 0 <= body["half_seconds"] <= body["most_seconds"]


async def test_the_overview_page_shows_workers_and_leads_to_their_jobs(rest: Rest, browser: Browser) -> None:
    await rest.ports.queue.beat("worker-1", heartbeat(), 30)
    await rest.ports.queue.beat("worker-0", {"id": "worker-0", "lanes": "of another version"}, 30)
    live = await refreshed(rest, browser, "/ops/")
    assert set(live) == {"stores", "numbers", "lanes", "workers", "schedule"}
    assert 'href="/ops/job?key=scan_post%3A1"' in live["workers"]
    assert "90 MB" in live["workers"]
    assert "2<small> of 32</small>" in live["lanes"]


async def refreshed(rest: Rest, browser: Browser, path: str) -> dict[str, str]:
    """The parts of a page as its script asks for them."""
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
    answer = await rest.ask("GET", path, headers={**headers, "Accept": "application/json"})
    assert answer.status == 200
    parts: dict[str, str] = answer.body["parts"]
    return parts


async def test_a_refresh_after_the_session_says_so_in_json(rest: Rest) -> None:
    answer = await rest.ask("GET", "/ops/", headers={"Accept": "application/json"})
    assert answer.error[:2] == (401, "unauthenticated")


async def test_the_dashboard_stays_up_while_redis_is_away(ports: Ports) -> None:
    away: Any = Away()
    async with opened(replace(ports, queue=away)) as rest:
        browser = await operator_browser(rest)
        page = await browser.get("/ops/")
        key = await add_job(ports, "dead")
        found = await browser.get(f"/ops/job?key={key}")
        refused = await browser.send("/ops/lanes/bulk/pause")
    assert (page.status, "no heartbeat can be read" in page.text) == (200, True)
    assert found.status == 200
    assert (refused.status, "We cannot reach part of our system" in refused.text) == (503, True)


async def test_nobody_is_recognised_while_postgresql_is_away(ports: Ports, browser: Browser) -> None:
    away: Any = Away()
    async with opened(replace(ports, records=replace(ports.records, sessions=away))) as rest:
        browser.rest = rest
        page = await browser.get("/ops/")
        refused = await browser.send("/ops/lanes/bulk/pause")
    assert (page.status, refused.status) == (503, 503)
    assert 'href="/health"' in page.text
    assert await ports.jobs.paused() == set()


async def test_names_are_shown_and_never_run(rest: Rest, browser: Browser) -> None:
    key = await add_job(rest.ports, "dead", name="<script>alert(1)</script>")
    row = await job_row(rest.ports, key)
    assert row is not None
    for path, params in (("/ops/jobs", {}), ("/ops/job", {"key": key}), ("/ops/jobs", {"name": row.name})):
        page = await browser.get(path, params=params)
        assert "&lt;script&gt;alert(1)" in page.text
        assert "<script>alert" not in page.text


async def test_every_action_is_recorded_with_its_account(rest: Rest, admin: Person) -> None:
    key = await add_job(rest.ports, "dead")
    with capture_logs() as logs:
        await admin.ask("POST", "/ops/api/jobs", {"verb": "requeue", "key": key})
        await admin.ask("POST", "/ops/api/jobs", {"verb": "cancel", "name": "scan_post"})
        await admin.ask("POST", "/ops/api/lanes", {"verb": "pause", "lane": "bulk"})
    acted = [entry for entry in logs if entry["event"].startswith("operator.")]
    assert [(entry["event"], entry["action"], entry["account_id"]) for entry in acted] == [
        ("operator.jobs_changed", "requeue", admin.id),
        ("operator.jobs_changed", "cancel", admin.id),
        ("operator.lane_changed", "pause", admin.id),
    ]
    assert acted[0]["key"] == key
    assert (acted[1]["search"], acted[1]["changed"]) == ({"name": "scan_post"}, 1)
