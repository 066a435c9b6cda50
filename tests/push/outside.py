"""The services of the others, and the settings that lead to them."""

from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from domain.settings import Settings, load_settings
from tests.push.apns_service import Apple
from tests.push.authority import Authority
from tests.push.fcm_service import Google
from tests.push.web_service import Browser


@dataclass
class Outside:
    authority: Authority
    apple: Apple
    google: Google
    browser: Browser
    apple_key: ec.EllipticCurvePrivateKey
    settings: dict[str, Any]

    def shown(self, **more: Any) -> Settings:
        return load_settings(None, server_env="test", **(self.settings | more))
