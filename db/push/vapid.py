"""The key that names us to browsers' push services (RFC 8292): `python -m db.push.vapid` makes one."""

import base64
import sys

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain.devices import unpacked

SCALAR_BYTES = 32


def private_key_of(text: str) -> ec.EllipticCurvePrivateKey:
    """From 32 bytes in base64url; raises `ValueError` for anything else."""
    scalar = unpacked(text)
    if len(scalar) != SCALAR_BYTES:
        raise ValueError("VAPID_PRIVATE_KEY: expected 32 bytes in base64url")
    return ec.derive_private_key(int.from_bytes(scalar), ec.SECP256R1())


def public_text(key: ec.EllipticCurvePrivateKey) -> str:
    """What browsers subscribe with: the uncompressed point in base64url."""
    return packed(key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def new_private_text() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return packed(key.private_numbers().private_value.to_bytes(SCALAR_BYTES))


def packed(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


if __name__ == "__main__":
    sys.stdout.write(f"VAPID_PRIVATE_KEY={new_private_text()}\n")
