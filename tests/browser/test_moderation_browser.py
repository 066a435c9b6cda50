"""A moderator's way through the queue in a real browser, on a desk and a phone, with and without script."""

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from domain.ports import Ports
from domain.seeding import MODERATOR, OPERATOR, seed
from tests.browser.site import DEADLINE_MS, Site

pytestmark = pytest.mark.browser

PASSWORD = "the harbour is awake at night"
RUDE = "Just stop whining"

expect.set_options(timeout=DEADLINE_MS)


async def log_in(page: Page, handle: str) -> None:
    await page.goto("/moderation/")
    await page.get_by_label("Handle").fill(handle)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(heading(page, "Queue")).to_be_visible()


def heading(page: Page, text: str) -> Locator:
    return page.get_by_role("heading", name=text, exact=True)


async def test_a_case_is_read_when_asked_for_and_decided(site: Site, ports: Ports) -> None:
    await seed(PASSWORD, ports)
    page = site.page
    await log_in(page, MODERATOR)
    await site.check_page()
    await page.get_by_role("button", name="Take Conduct: harassment").click()
    await expect(heading(page, "Decide")).to_be_visible()
    await site.check_page()
    await expect(page.get_by_text(RUDE)).to_be_hidden()
    await page.locator("summary").filter(has_text="What was written").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text(RUDE)).to_be_visible()
    await expect(page.get_by_label("Days")).to_be_hidden()
    await page.get_by_label("Ban", exact=True).check()
    await expect(page.get_by_label("Days")).to_be_visible()
    await site.check_page()
    await page.get_by_role("button", name="Decide").click()
    await expect(page.get_by_role("alert")).to_contain_text("choose a ban without an end")
    await expect(page.get_by_label("Days")).to_be_focused()
    await site.check_page()
    await page.get_by_label("Days").fill("7")
    await page.get_by_label("Reason").fill("Please be kind.")
    await page.get_by_role("button", name="Decide").click()
    await expect(page.get_by_text("Done: banned.")).to_be_visible()
    assert site.seen.hosts() == {site.host}
    refused = "Failed to load resource: the server responded with a status of 400 (Bad Request)"
    assert site.seen.complaints == [refused]


async def test_two_people_agree_on_a_long_ban_without_any_script(
    site: Site, ports: Ports, chromium: Browser
) -> None:
    await seed(PASSWORD, ports)
    for handle in (MODERATOR, OPERATOR):
        context = await chromium.new_context(
            base_url=f"http://{site.host}", viewport=site.page.viewport_size, java_script_enabled=False
        )
        context.set_default_timeout(DEADLINE_MS)
        page = await context.new_page()
        await log_in(page, handle)
        await page.get_by_role("button", name="Take Conduct: harassment").click()
        await expect(page.get_by_text(RUDE)).to_be_hidden()
        await page.locator("summary").filter(has_text="What was written").click()
        await expect(page.get_by_text(RUDE)).to_be_visible()
        if handle == MODERATOR:
            await page.get_by_label("Ban", exact=True).check()
            await page.get_by_label("Without an end").check()
            await page.get_by_label("Reason").fill("Please be kind.")
            await page.get_by_role("button", name="Decide").click()
            await expect(page.get_by_text("as soon as a colleague agrees")).to_be_visible()
        else:
            await page.get_by_role("button", name="Agree: ban without an end").click()
            await expect(page.get_by_text("Done: banned.")).to_be_visible()
        await context.close()
