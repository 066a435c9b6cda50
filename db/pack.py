"""The offline pack of crisis help, by hand.

    python -m db.pack key          a new key, as a line for .env; keep it, apps trust its public half
    python -m db.pack public       the public half of the key in use, base64: what an app is built with
    python -m db.pack write FILE   the signed pack, as `GET /v1/crisis/pack` gives it

In development the key is the one under DATA_DIR.
"""

import base64
import sys
from collections.abc import Sequence
from pathlib import Path

from db.secrets import with_secrets
from db.signing import Ed25519Signer, new_key_text, signer_of
from domain import crisis
from domain.settings import Settings, SettingsError, load_settings


def ran(arguments: Sequence[str], settings: Settings) -> str:
    """What to print; raises `SystemExit` with the usage for a question that is none."""
    match arguments:
        case ["key"]:
            return f"CRISIS_PACK_KEY={new_key_text()}"
        case ["public"]:
            return base64.b64encode(_signer(settings).public_key).decode()
        case ["write", path]:
            return f"{Path(path).write_bytes(crisis.build_offline_pack(_signer(settings).sign))} bytes"
    raise SystemExit(__doc__)


def _signer(settings: Settings) -> Ed25519Signer:
    signer = signer_of(with_secrets(settings))
    if signer is None:
        raise SystemExit("CRISIS_PACK_KEY is not set; `python -m db.pack key` makes one.")
    return signer


if __name__ == "__main__":
    try:
        sys.stdout.write(ran(sys.argv[1:], load_settings()) + "\n")
    except SettingsError as error:
        raise SystemExit(str(error)) from None
