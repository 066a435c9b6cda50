"""The server on real stores, and a real Chromium that looks at it."""

import shutil
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, async_playwright

from api.app import build_app
from db.stores import open_stores
from domain.ports import Ports
from domain.settings import load_settings
from tests.browser.site import DEADLINE_MS, Seen, Site

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers have little of it
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("THERE IS NO CHROMIUM HERE: the pages were not looked at (apt-get install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield browser
        await browser.close()


@pytest.fixture
async def ports(postgres_url: str, mongodb_uri: str, redis_url: str) -> AsyncIterator[Ports]:
    settings = load_settings(
        None,
        server_env="test",
        postgres_url=postgres_url,
        mongodb_uri=mongodb_uri,
        mongodb_database=urlsplit(mongodb_uri).path.strip("/"),
        redis_url=redis_url,
        jwt_secret="a-signing-secret-for-tests-0123456789",
        encryption_key="an-encryption-secret-for-tests-0123456789",
    )
    async with open_stores(settings) as stores:
        yield stores.ports


@pytest.fixture(params=["desk", "phone"])
async def site(request: pytest.FixtureRequest, ports: Ports, chromium: Browser) -> AsyncIterator[Site]:
    """Large and light, or small, dark and with touch."""
    server = TestServer(build_app(ports))
    await server.start_server(access_log=None)
    phone = request.param == "phone"
    context = await chromium.new_context(
        base_url=str(server.make_url("/")),
        viewport={"width": 360, "height": 740} if phone else {"width": 1280, "height": 900},
        color_scheme="dark" if phone else "light",
        has_touch=phone,
    )
    context.set_default_timeout(DEADLINE_MS)
    page, seen = await context.new_page(), Seen()
    seen.listen(page)
    yield Site(page, seen, f"127.0.0.1:{server.port}")
    await context.close()
    await server.close()
