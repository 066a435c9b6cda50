"""The offline pack: everything of this package in one signed file, for an app without a connection.

A pack is one line of JSON (`format`, `algorithm`, and `sha256` and base64 `signature` of the payload), a line
feed, and the payload: canonical JSON (keys sorted, no spaces, UTF-8). An app verifies the signature over the
payload's bytes as they are, and keeps its old pack when that fails or when the new one is older.
"""

import base64
import hashlib
from collections.abc import Callable

import msgspec

from domain.crisis.bundle import BUNDLE, Bundle
from domain.crisis.guidance import ONE_MINUTE_STEP, WORRIED_ABOUT_SOMEONE, Step, Worried
from domain.crisis.resources import LOCAL_SERVICES, NOTE

FORMAT = 1
ALGORITHM = "ed25519"


class OfflinePack(msgspec.Struct, frozen=True):
    """The payload of a pack."""

    bundle: Bundle
    local_services: str
    note: str
    step: Step
    worried: Worried


class PackHeader(msgspec.Struct, frozen=True):
    """The first line of a pack."""

    format: int
    algorithm: str
    sha256: str
    signature: str


class BadPackError(ValueError):
    """The file is not an offline pack of ours, or was changed after it was signed."""


def offline_payload() -> bytes:
    """The canonical bytes that are signed: the same in every process with the same data."""
    pack = OfflinePack(BUNDLE, LOCAL_SERVICES, NOTE, ONE_MINUTE_STEP, WORRIED_ABOUT_SOMEONE)
    return msgspec.json.encode(pack, order="sorted")


def build_offline_pack(sign: Callable[[bytes], bytes]) -> bytes:
    """The pack, signed with `sign`: `Ed25519PrivateKey.sign` of the cryptography package, say."""
    payload = offline_payload()
    signature = base64.b64encode(sign(payload)).decode()
    header = PackHeader(FORMAT, ALGORITHM, hashlib.sha256(payload).hexdigest(), signature)
    return msgspec.json.encode(header) + b"\n" + payload


def is_newer(offered: OfflinePack, kept: OfflinePack | None) -> bool:
    """Whether an app takes the offered pack: one just as new may read otherwise."""
    return kept is None or offered.bundle.built >= kept.bundle.built


def read_offline_pack(pack: bytes, verify: Callable[[bytes, bytes], None]) -> OfflinePack:
    """The content of a pack.

    `verify(signature, payload)` raises whatever it likes when the signature is wrong. Raises BadPackError for
    anything else that is wrong with the file.
    """
    first_line, _, payload = pack.partition(b"\n")
    try:
        header = msgspec.json.decode(first_line, type=PackHeader)
        signature = base64.b64decode(header.signature, validate=True)
    except ValueError as error:
        raise BadPackError("the first line is not a pack's header") from error
    if (header.format, header.algorithm) != (FORMAT, ALGORITHM):
        raise BadPackError(f"format {header.format} with {header.algorithm} is not known here")
    if header.sha256 != hashlib.sha256(payload).hexdigest():
        raise BadPackError("the payload is damaged")
    verify(signature, payload)
    return msgspec.json.decode(payload, type=OfflinePack)
