"""Stand-ins for the push services on loopback, over TLS, and our side that is set up for them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from db.push import vapid
from db.push.services import PushServices, open_push
from tests.push.apns_service import serve_apple
from tests.push.authority import Authority, private_pem
from tests.push.fcm_service import serve_google
from tests.push.outside import Outside
from tests.push.web_service import serve_browser


@pytest.fixture
async def outside(tmp_path: Path) -> AsyncIterator[Outside]:
    authority, key = Authority(tmp_path), ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "key.p8").write_bytes(private_pem(key))
    async with (
        serve_apple(authority) as apple,
        serve_google(authority) as google,
        serve_browser(authority) as browser,
    ):
        settings = {
            "apns_key_file": tmp_path / "key.p8",
            "apns_key_id": "KEY1234567",
            "apns_team_id": "TEAM123456",
            "apns_topic": "org.example.app",
            "apns_url": apple.url,
            "fcm_service_account_file": google.service_account(tmp_path),
            "fcm_url": google.url,
            "vapid_private_key": vapid.new_private_text(),
            "vapid_subject": "mailto:ops@example.org",
            "web_push_hosts": (browser.host,),
        }
        yield Outside(authority, apple, google, browser, key, settings)


@pytest.fixture
async def push(outside: Outside) -> AsyncIterator[PushServices]:
    services = open_push(outside.shown(), trust=outside.authority.client())
    yield services
    await services.aclose()
