"""Signing with Ed25519 (RFC 8032): one key for what apps keep and must be able to trust without us."""

import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.devices import unpacked
from domain.settings import Settings

KEY_BYTES = 32


class Ed25519Signer:
    """`domain.ports.Signer`, from 32 bytes in base64url; raises `ValueError` for anything else."""

    def __init__(self, text: str) -> None:
        key = unpacked(text)
        if len(key) != KEY_BYTES:
            raise ValueError(f"expected {KEY_BYTES} bytes in base64url")
        self._key = Ed25519PrivateKey.from_private_bytes(key)
        self.public_key = self._key.public_key().public_bytes_raw()

    def sign(self, payload: bytes) -> bytes:
        return self._key.sign(payload)


def signer_of(settings: Settings) -> Ed25519Signer | None:
    """None when no key is configured."""
    text = settings.crisis_pack_key.get_secret_value()
    return Ed25519Signer(text) if text else None


def new_key_text() -> str:
    return base64.urlsafe_b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode().rstrip("=")
