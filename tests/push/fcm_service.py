"""Stands in for Google: the token endpoint (RFC 7523) and FCM HTTP v1."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import jwt
import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.push.authority import Authority
from tests.push.received import Received, Reply, Request

EMAIL = "pusher@project.iam.example.org"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"

SENT = Reply(200, {"name": "projects/a-project/messages/1"})
UNKNOWN = Reply(401, {"error": {"code": 401, "status": "UNAUTHENTICATED"}})


class Google(Received):
    """Lets in the newest of the access tokens that it gave; `replies` are chosen by a part of the body."""

    def __init__(self) -> None:
        super().__init__()
        self.url = ""
        self.tokens_given = 0
        self.token_seconds = 3599
        self.token_replies: list[Reply] = []
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def service_account(self, folder: Path) -> Path:
        pem = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        account = {
            "type": "service_account",
            "project_id": "a-project",
            "private_key_id": "key-1",
            "private_key": pem,
            "client_email": EMAIL,
            "token_uri": f"{self.url}/token",
        }
        file = folder / "service-account.json"
        file.write_bytes(msgspec.json.encode(account))
        return file

    async def give_token(self, request: web.Request) -> web.Response:
        if self.token_replies:
            reply = self.token_replies.pop(0)
            return web.json_response(reply.body, status=reply.status, headers=reply.headers)
        form = await request.post()
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        self._check(str(form["assertion"]))
        self.tokens_given += 1
        answer = {"access_token": self._token, "expires_in": self.token_seconds, "token_type": "Bearer"}
        return web.json_response(answer)

    @property
    def _token(self) -> str:
        return f"access-{self.tokens_given}"

    def _check(self, assertion: str) -> None:
        required = {"require": ["iss", "aud", "exp", "iat", "scope"]}
        claims = jwt.decode(
            assertion, self._key.public_key(), ["RS256"], audience=f"{self.url}/token", options=required
        )
        assert (claims["iss"], claims["scope"]) == (EMAIL, SCOPE)
        assert claims["exp"] - claims["iat"] <= 3600
        assert claims["exp"] > time.time()
        assert jwt.get_unverified_header(assertion)["kid"] == "key-1"

    async def send(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        taken = Request(request.path, headers, await request.read())
        known = headers.get("authorization") == f"Bearer {self._token}"
        reply = self.reply_to(taken, SENT if known else UNKNOWN)
        return web.json_response(reply.body, status=reply.status, headers=reply.headers)


@asynccontextmanager
async def serve_google(authority: Authority) -> AsyncIterator[Google]:
    google = Google()
    app = web.Application()
    app.router.add_post("/token", google.give_token)
    app.router.add_post("/v1/projects/a-project/messages:send", google.send)
    server = TestServer(app, scheme="https", host="127.0.0.1")
    await server.start_server(ssl=authority.server())
    google.url = f"https://localhost:{server.port}"
    try:
        yield google
    finally:
        await server.close()
