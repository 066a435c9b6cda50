"""A voice note as a real browser records, sends and plays it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page

from api.app import build_app
from domain.ports import Ports
from domain.sessions import RegisterAnonymous, register_anonymous
from tests.browser.site import DEADLINE_MS

VOICE = """
async ({token, type}) => {
    const context = new AudioContext();
    const tone = new OscillatorNode(context, {frequency: 220});
    const ear = new MediaStreamAudioDestinationNode(context);
    tone.connect(ear);
    tone.start();
    const recorder = new MediaRecorder(ear.stream, {mimeType: type});
    const parts = [];
    recorder.ondataavailable = event => parts.push(event.data);
    const over = new Promise(done => recorder.onstop = done);
    recorder.start(200);
    const more = () => new Promise(done => recorder.addEventListener("dataavailable", done, {once: true}));
    while (parts.length < 6) await more();
    recorder.stop();
    await over;
    const authorization = {Authorization: `Bearer ${token}`};
    const sent = await fetch("/v1/voice-notes?client_id=from-a-browser", {
        method: "POST", body: new Blob(parts, {type}), headers: {...authorization, "Content-Type": type},
    });
    const note = await sent.json();
    if (!sent.ok) return {status: sent.status, note};
    const got = await fetch(`/v1/voice-notes/${note.id}`, {headers: authorization});
    const sound = await context.decodeAudioData(await got.clone().arrayBuffer());
    const loudest = sound.getChannelData(0).reduce((most, one) => Math.max(most, Math.abs(one)), 0);
    const player = new Audio(URL.createObjectURL(await got.blob()));
    await new Promise((done, failed) => { player.oncanplaythrough = done; player.onerror = failed; });
    return {status: sent.status, note, decoded: sound.duration, shown: player.duration, loudest};
}
"""


@pytest.fixture
async def page(ports: Ports, chromium: Browser) -> AsyncIterator[Page]:
    """A page of the server's own origin; that our answers forbid scripts is not looked at here."""
    server = TestServer(build_app(ports))
    await server.start_server(access_log=None)
    context = await chromium.new_context(bypass_csp=True)
    page = await context.new_page()
    page.set_default_timeout(DEADLINE_MS)
    await page.goto(str(server.make_url("/health/live")))
    yield page
    await context.close()
    await server.close()


@pytest.mark.browser
@pytest.mark.parametrize("type", ["audio/webm;codecs=opus", "audio/mp4;codecs=opus"])
async def test_a_browser_plays_what_a_browser_recorded(page: Page, ports: Ports, type: str) -> None:
    token = (await register_anonymous(RegisterAnonymous(), ports)).tokens.access_token
    heard: dict[str, Any] = await page.evaluate(VOICE, {"token": token, "type": type})
    assert heard["status"] == 201, heard
    assert heard["note"]["content_type"] == "audio/ogg; codecs=opus"
    assert heard["note"]["duration_seconds"] > 1
    assert heard["decoded"] == pytest.approx(heard["note"]["duration_seconds"], abs=0.02)
    assert heard["shown"] == pytest.approx(heard["note"]["duration_seconds"], abs=0.1)  # with the run-up
    assert heard["loudest"] > 0.5
