"""Encryption at rest: AES-256-GCM (NIST SP 800-38D) and keyed look-ups, keys derived from one secret."""

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12
VERSION = b"\x01"


class CipherError(Exception):
    """A sealed value does not open: it was changed, moved to another context, or sealed with another key."""


class AesGcmCipher:
    def __init__(self, secret: str) -> None:
        self._aead = AESGCM(_derive(secret, b"seal"))
        self._lookup_key = _derive(secret, b"lookup")

    def lookup(self, value: bytes) -> bytes:
        return hmac.digest(self._lookup_key, value, hashlib.sha256)

    def encrypt(self, plain: bytes, *, context: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return VERSION + nonce + self._aead.encrypt(nonce, plain, context)

    def decrypt(self, sealed: bytes, *, context: bytes) -> bytes:
        version, nonce, text = sealed[:1], sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        if version != VERSION:
            raise CipherError
        try:
            return self._aead.decrypt(nonce, text, context)
        except InvalidTag:
            raise CipherError from None


def _derive(secret: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"anonymous-support:" + purpose).derive(
        secret.encode()
    )
