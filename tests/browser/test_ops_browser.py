"""An operator's way through the dashboard in a real browser, on a desk and on a phone."""

import pytest
from playwright.async_api import Locator, Page, expect

from domain import accounts, posts, sessions
from domain.clock import utc_now
from domain.ids import new_id
from domain.jobs import Job, JobFilter, Outcome, Start
from domain.ports import Ports
from domain.posts import CreatePost
from domain.sessions import RegisterAnonymous
from tests.browser.site import DEADLINE_MS, Site

pytestmark = pytest.mark.browser

HANDLE, PASSWORD = "night-shift", "the night shift knows it"

expect.set_options(timeout=DEADLINE_MS)


@pytest.fixture
async def page(site: Site, ports: Ports) -> Page:
    """The overview, with an operator logged in."""
    account = accounts.new_account(ports, handle=HANDLE, avatar=None, country=None)
    await ports.records.accounts.add(account)
    hashed = await ports.passwords.hash(PASSWORD)
    await ports.records.accounts.update(account.id, {"role": "admin", "password_hash": hashed})
    await site.page.goto("/ops/")
    await site.check_page()
    await site.page.get_by_label("Handle").fill(HANDLE)
    await site.page.get_by_label("Password").fill(PASSWORD)
    await site.page.get_by_role("button", name="Log in").click()
    await expect(heading(site.page, "Overview")).to_be_visible()
    return site.page


async def add_dead_job(ports: Ports) -> str:
    job, now = Job("scan_post", {"post_id": new_id()}, f"scan_post:{new_id()}", "urgent"), utc_now()
    await ports.jobs.add([job])
    await ports.jobs.started([Start(job, 1, "worker-1", now)])
    ended = Outcome(job, "dead", 5, "worker-1", now, now, error="TimeoutError", trace="in scan_post")
    await ports.jobs.settle([ended])
    return job.key


async def states_of(ports: Ports) -> list[str]:
    return [row.state for row in await ports.jobs.find(JobFilter())]


def heading(page: Page, text: str) -> Locator:
    return page.get_by_role("heading", name=text, exact=True)


async def test_a_lane_is_paused_and_resumed(site: Site, page: Page, ports: Ports) -> None:
    await site.check_page()
    await page.get_by_role("link", name="Lanes").click()
    await expect(page.get_by_role("button", name="Pause lane default")).to_be_visible()
    await page.get_by_role("button", name="Pause lane bulk").click()
    await expect(page.get_by_role("button", name="Resume lane bulk")).to_be_visible()
    assert await ports.jobs.paused() == {"bulk"}
    await site.check_page()
    await page.get_by_role("button", name="Resume lane bulk").click()
    await expect(page.get_by_role("button", name="Pause lane bulk")).to_be_visible()
    assert await ports.jobs.paused() == set()
    check_quiet(site)


async def test_the_lane_of_the_sos_is_paused_only_after_asking(site: Site, page: Page, ports: Ports) -> None:
    await page.goto("/ops/lanes")
    await page.get_by_role("link", name="Pause lane urgent…").click()
    await expect(heading(page, "Pause the lane urgent?")).to_be_visible()
    assert await ports.jobs.paused() == set()
    await site.check_page()
    await page.get_by_role("button", name="Pause urgent").click()
    await page.get_by_role("button", name="Resume lane urgent").click()
    await expect(page.get_by_role("link", name="Pause lane urgent…")).to_be_visible()
    check_quiet(site)


async def test_a_dead_job_is_found_and_requeued(site: Site, page: Page, ports: Ports) -> None:
    await add_dead_job(ports)
    await page.get_by_role("link", name="Jobs", exact=True).click()
    await page.get_by_label("State").select_option("dead")
    await page.get_by_role("button", name="Search").click()
    await page.get_by_role("link", name="scan_post").click()
    await expect(page.get_by_text("TimeoutError")).to_be_visible()
    await site.check_page()
    await page.get_by_role("button", name="Requeue").click()
    await expect(page.get_by_text("1 job requeued.")).to_be_visible()
    assert await states_of(ports) == ["queued"]
    check_quiet(site)


async def test_what_a_search_found_is_requeued_after_asking(site: Site, page: Page, ports: Ports) -> None:
    for _ in range(3):
        await add_dead_job(ports)
    await page.goto("/ops/jobs?state=dead")
    await site.check_page()
    await page.get_by_role("link", name="Requeue…").click()
    await expect(heading(page, "Requeue 3 jobs?")).to_be_visible()
    await site.check_page()
    await page.get_by_role("button", name="Requeue 3").click()
    await expect(page.get_by_text("3 jobs requeued.")).to_be_visible()
    assert await states_of(ports) == ["queued"] * 3
    check_quiet(site)


async def test_an_sos_that_waits_leads_to_the_steps_of_its_ladder(
    site: Site, page: Page, ports: Ports
) -> None:
    registered = await sessions.register_anonymous(RegisterAnonymous(), ports)
    author = await sessions.identify(registered.tokens.access_token, ports)
    command = CreatePost(client_id=new_id(), type="sos", content="Day 30.", categories=["gambling"])
    post = (await posts.create_post(command, author, ports)).post
    await page.get_by_role("link", name="SOS", exact=True).click()
    await expect(page.get_by_text("gambling")).to_be_visible()
    await site.check_page()
    await page.get_by_role("link", name=post.id).click()
    await expect(page.get_by_text(f"climb:{post.id}:1")).to_be_visible()
    await site.check_page()
    check_quiet(site)


async def test_the_overview_keeps_itself_fresh(site: Site, page: Page, ports: Ports) -> None:
    await expect(page.get_by_text("No worker is alive.")).to_be_visible()
    await ports.queue.beat("worker-1", {"id": "worker-1", "host": "night-worker", "pid": 7}, 60)
    await expect(page.get_by_role("rowheader", name="night-worker")).to_be_visible()
    await site.check_page()
    check_quiet(site)


async def test_logging_out_leaves_nothing_to_go_back_to(site: Site, page: Page) -> None:
    await page.get_by_role("button", name="Log out").click()
    await expect(heading(page, "Log in")).to_be_visible()
    assert "ops_session" not in {cookie["name"] for cookie in await page.context.cookies()}
    await page.goto("/ops/lanes")
    await expect(heading(page, "Log in")).to_be_visible()
    check_quiet(site)


async def test_an_open_page_goes_to_the_login_when_its_session_ends(page: Page, ports: Ports) -> None:
    account = await ports.records.accounts.by_handle(HANDLE)
    assert account is not None
    await ports.records.sessions.end_all(account.id, "banned", utc_now())
    await expect(heading(page, "Log in")).to_be_visible()


async def test_a_page_without_a_server_says_that_it_is_old(page: Page) -> None:
    await page.context.set_offline(True)
    await expect(page.get_by_role("status")).to_have_text("No answer from the server. What you see is old.")
    await page.context.set_offline(False)
    await expect(page.get_by_role("status")).to_have_text("")


async def test_a_keyboard_reaches_the_content_first(page: Page) -> None:
    await page.reload()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"


def check_quiet(site: Site) -> None:
    """No complaint of the browser, and no request to anybody but the server."""
    assert site.seen.complaints == []
    assert site.seen.hosts() == {site.host}
