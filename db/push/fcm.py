"""Firebase Cloud Messaging, HTTP v1 (firebase.google.com, "projects.messages")."""

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx2
import jwt
import msgspec

from db.push import text
from db.push.answer import failure
from domain.devices import Address
from domain.pushing import PushMessage

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_SECONDS = 3600
SPARE_SECONDS = 300
"""A token is renewed this long before its end."""


class ServiceAccount(msgspec.Struct, frozen=True):
    """What we need of Google's JSON file."""

    project_id: str
    client_email: str
    private_key: str
    token_uri: str
    private_key_id: str = ""


class Access(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: int


class Fcm:
    def __init__(self, client: httpx2.AsyncClient, *, url: str, service_account_file: Path) -> None:
        self._client = client
        self._account = msgspec.json.decode(service_account_file.read_bytes(), type=ServiceAccount)
        self._url = f"{url.rstrip('/')}/v1/projects/{self._account.project_id}/messages:send"
        self._token = ""
        self._ends_at = 0.0
        self._renewing = asyncio.Lock()

    async def send(self, address: Address, message: PushMessage) -> bool:
        token = await self._bearer()
        response = await self._client.post(
            self._url,
            content=payload(address.token, message),
            headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
        )
        if response.status_code == 200:
            return True
        if is_gone(response):
            return False
        if response.status_code == 401 and token == self._token:
            self._token = ""
        raise failure(response)

    async def _bearer(self) -> str:
        """One request for all who wait."""
        async with self._renewing:
            if not self._token or time.time() > self._ends_at - SPARE_SECONDS:
                await self._renew()
        return self._token

    async def _renew(self) -> None:
        """An assertion for a token (RFC 7523 §2.1)."""
        form = {"grant_type": GRANT, "assertion": self._assertion()}
        response = await self._client.post(self._account.token_uri, data=form)
        if response.status_code != 200:
            raise failure(response)
        try:
            access = msgspec.json.decode(response.content, type=Access)
        except msgspec.DecodeError:
            raise failure(response) from None
        self._token, self._ends_at = access.access_token, time.time() + access.expires_in

    def _assertion(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self._account.client_email,
            "scope": SCOPE,
            "aud": self._account.token_uri,
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
        }
        key_id = {"kid": self._account.private_key_id}
        return jwt.encode(claims, self._account.private_key, algorithm="RS256", headers=key_id)


def payload(token: str, message: PushMessage) -> bytes:
    android = {
        "priority": "HIGH" if message.urgent else "NORMAL",
        "ttl": f"{message.ttl_seconds}s",
        "collapse_key": message.collapse,
        "notification": {"tag": message.collapse, "visibility": "PRIVATE"},
    }
    body = {
        "token": token,
        "notification": {"title": text.TITLE, "body": text.BODY},
        "data": {"id": message.id},
        "android": android,
    }
    return msgspec.json.encode({"message": body})


def is_gone(response: httpx2.Response) -> bool:
    """UNREGISTERED; the token of another sender; or what is no token at all."""
    codes, fields = error_of(response)
    return bool(codes & {"UNREGISTERED", "SENDER_ID_MISMATCH"}) or (
        "INVALID_ARGUMENT" in codes and "message.token" in fields
    )


def error_of(response: httpx2.Response) -> tuple[set[str], set[str]]:
    """The error codes of an answer, and the fields it complains about."""
    try:
        error: Any = msgspec.json.decode(response.content, type=dict[str, Any]).get("error") or {}
        details = [one for one in error.get("details") or [] if isinstance(one, dict)]
    except (msgspec.DecodeError, AttributeError):
        return set(), set()
    codes = {str(one["errorCode"]) for one in details if "errorCode" in one}
    violations = [field for one in details for field in one.get("fieldViolations") or []]
    return codes | {str(error.get("status"))}, {str(field.get("field")) for field in violations}
