"""Stands in for a browser and its push service: a subscription, and the reading of what is sent to it.

Decryption is written from RFC 8291 and RFC 8188 here, so that a mistake on our side cannot cancel itself out.
"""

import base64
import hashlib
import hmac
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain.devices import Address, WebKeys
from tests.push.authority import Authority
from tests.push.received import Received, Reply, Request


class Browser(Received):
    """`replies` are chosen by a part of the endpoint's path."""

    def __init__(self) -> None:
        super().__init__()
        self.url = ""
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = os.urandom(16)

    @property
    def host(self) -> str:
        return self.url.removeprefix("https://")

    def subscribe(self, name: str) -> Address:
        keys = WebKeys(p256dh=packed(self._point), auth=packed(self._auth))
        return Address("web", f"{self.url}/wpush/{name}", keys)

    @property
    def _point(self) -> bytes:
        return self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    async def receive(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        taken = Request(request.path, headers, await request.read())
        reply = self.reply_to(taken, Reply(201))
        return web.Response(status=reply.status, headers=reply.headers)

    def read(self, request: Request) -> dict[str, Any]:
        """The message of an aes128gcm body (RFC 8188 §2.1) that was sealed for this subscription."""
        salt, size, length = request.body[:16], request.body[16:20], request.body[20]
        sender, sealed = request.body[21 : 21 + length], request.body[21 + length :]
        assert int.from_bytes(size) >= len(sealed)
        shared = self._key.exchange(
            ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        )
        info = b"WebPush: info\0" + self._point + sender
        secret = expand(extract(self._auth, shared), info, 32)
        pseudorandom = extract(salt, secret)
        key = expand(pseudorandom, b"Content-Encoding: aes128gcm\0", 16)
        nonce = expand(pseudorandom, b"Content-Encoding: nonce\0", 12)
        plain = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0")
        assert plain[-1:] == b"\x02", "the last record ends so"
        decoded: dict[str, Any] = msgspec.json.decode(plain[:-1])
        return decoded

    def check_signature(self, request: Request, public_key: str) -> dict[str, Any]:
        """The claims of the VAPID token (RFC 8292 §2), which the named key signed for this service."""
        scheme, _, rest = request.headers["authorization"].partition(" ")
        fields = dict(part.strip().split("=", 1) for part in rest.split(","))
        assert (scheme, fields["k"]) == ("vapid", public_key)
        point = base64.urlsafe_b64decode(public_key + "=" * (-len(public_key) % 4))
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        claims: dict[str, Any] = jwt.decode(
            fields["t"], key, ["ES256"], audience=self.url, options={"require": ["exp", "sub", "aud"]}
        )
        assert claims["exp"] <= time.time() + 24 * 3600
        return claims


def extract(salt: bytes, key: bytes) -> bytes:
    return hmac.digest(salt, key, hashlib.sha256)


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF of one block (RFC 5869 §2.3)."""
    return hmac.digest(key, info + b"\x01", hashlib.sha256)[:length]


def packed(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


@asynccontextmanager
async def serve_browser(authority: Authority) -> AsyncIterator[Browser]:
    browser = Browser()
    app = web.Application()
    app.router.add_post("/wpush/{name}", browser.receive)
    server = TestServer(app, scheme="https", host="127.0.0.1")
    await server.start_server(ssl=authority.server())
    browser.url = f"https://localhost:{server.port}"
    try:
        yield browser
    finally:
        await server.close()
