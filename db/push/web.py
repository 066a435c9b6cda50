"""Web Push: sealed for the browser (RFC 8291), signed (RFC 8292), left with a push service (RFC 8030)."""

import time
from urllib.parse import urlsplit

import http_ece  # type: ignore[import-untyped]
import httpx2
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from db.push import text, vapid
from db.push.answer import failure
from domain.devices import Address, WebKeys, unpacked
from domain.pushing import PushMessage

TOKEN_SECONDS = 12 * 3600
"""The standard allows a day; half of it is used."""
SERVICES_MAX = 64


class WebPush:
    def __init__(self, client: httpx2.AsyncClient, *, private_key: str, subject: str) -> None:
        self._client = client
        self._key = vapid.private_key_of(private_key)
        self.public_key = vapid.public_text(self._key)
        self._subject = subject
        self._tokens: dict[str, tuple[str, float]] = {}

    async def send(self, address: Address, message: PushMessage) -> bool:
        body = sealed(message, address.keys) if address.keys else None
        if body is None:
            return False
        response = await self._client.post(
            address.token, content=body, headers=self._headers(address.token, message)
        )
        if response.is_success:
            return True
        if response.status_code in {404, 410}:
            return False
        if response.status_code in {401, 403}:
            self._tokens.clear()
        raise failure(response)

    def _headers(self, endpoint: str, message: PushMessage) -> dict[str, str]:
        return {
            "authorization": f"vapid t={self._signed(endpoint)}, k={self.public_key}",
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(message.ttl_seconds),
            "urgency": "high" if message.urgent else "normal",
            "topic": message.collapse,
        }

    def _signed(self, endpoint: str) -> str:
        """A token for the push service of this endpoint, kept while it lasts."""
        parts = urlsplit(endpoint)
        audience, now = f"{parts.scheme}://{parts.netloc}", time.time()
        token, ends_at = self._tokens.get(audience, ("", 0.0))
        if ends_at - now < TOKEN_SECONDS / 2:
            ends_at = now + TOKEN_SECONDS
            claims = {"aud": audience, "exp": int(ends_at), "sub": self._subject}
            token = jwt.encode(claims, self._key, algorithm="ES256")
            self._remember(audience, token, ends_at)
        return token

    def _remember(self, audience: str, token: str, ends_at: float) -> None:
        if len(self._tokens) >= SERVICES_MAX:
            self._tokens.clear()
        self._tokens[audience] = token, ends_at


def sealed(message: PushMessage, keys: WebKeys) -> bytes | None:
    """The message so that only the browser can read it; None for keys that are on no curve."""
    plain = msgspec.json.encode({"title": text.TITLE, "body": text.BODY, "id": message.id})
    try:
        encrypted: bytes = http_ece.encrypt(
            plain,
            private_key=ec.generate_private_key(ec.SECP256R1()),
            dh=unpacked(keys.p256dh),
            auth_secret=unpacked(keys.auth),
            version="aes128gcm",
        )
    except (ValueError, http_ece.ECEException):
        return None
    return encrypted
