"""Apple Push Notification service: HTTP/2 with signed tokens (Apple, "Sending notification requests")."""

import time
from pathlib import Path

import httpx2
import jwt
import msgspec

from db.push import text
from db.push.answer import failure
from domain.devices import Address
from domain.pushing import PushMessage

TOKEN_SECONDS = 40 * 60
"""Apple refuses tokens older than an hour and new ones more often than every 20 minutes."""
GONE = frozenset({"BadDeviceToken", "DeviceTokenNotForTopic", "ExpiredToken", "Unregistered"})
"""Reasons that say something of this device alone."""
TOKEN_SECONDS_MIN = 20 * 60
STALE_TOKEN = frozenset({"ExpiredProviderToken", "InvalidProviderToken"})


class Apns:
    def __init__(
        self, client: httpx2.AsyncClient, *, url: str, key_file: Path, key_id: str, team_id: str, topic: str
    ) -> None:
        self._client = client
        self._url = url.rstrip("/")
        self._key = key_file.read_text()
        self._key_id = key_id
        self._team_id = team_id
        self._topic = topic
        self._token = ""
        self._made_at = 0.0

    async def send(self, address: Address, message: PushMessage) -> bool:
        token = self._bearer()
        response = await self._client.post(
            f"{self._url}/3/device/{address.token}",
            content=payload(message),
            headers=self._headers(token, message),
        )
        if response.status_code == 200:
            return True
        reason = reason_of(response)
        if response.status_code == 410 or reason in GONE:
            return False
        if reason in STALE_TOKEN:
            self._refused(token)
        raise failure(response)

    def _headers(self, token: str, message: PushMessage) -> dict[str, str]:
        return {
            "authorization": f"bearer {token}",
            "apns-topic": self._topic,
            "apns-push-type": "alert",
            "apns-id": message.id,
            "apns-collapse-id": message.collapse,
            "apns-expiration": str(int(time.time()) + message.ttl_seconds),
            "apns-priority": "10" if message.urgent else "5",
        }

    def _refused(self, token: str) -> None:
        """Once for all pushes that went out with it, and not for a new one: another would fare no better."""
        if token == self._token and abs(time.time() - self._made_at) > TOKEN_SECONDS_MIN:
            self._token = ""

    def _bearer(self) -> str:
        now = time.time()
        if not self._token or now - self._made_at > TOKEN_SECONDS:
            claims = {"iss": self._team_id, "iat": int(now)}
            self._token = jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": self._key_id})
            self._made_at = now
        return self._token


def payload(message: PushMessage) -> bytes:
    """`mutable-content` lets the app's own extension fetch what it is about, if its owner wants that."""
    aps = {
        "alert": {"title": text.TITLE, "body": text.BODY},
        "sound": "default",
        "thread-id": message.collapse,
        "mutable-content": 1,
        "interruption-level": "time-sensitive" if message.urgent else "active",
    }
    return msgspec.json.encode({"aps": aps, "id": message.id})


def reason_of(response: httpx2.Response) -> str:
    try:
        return str(msgspec.json.decode(response.content, type=dict[str, object]).get("reason", ""))
    except msgspec.DecodeError:
        return ""
