"""Secrets of the embedded default: made once, kept in the data folder for its owner alone."""

import os
import secrets
from pathlib import Path

from pydantic import SecretStr

from domain.settings import Settings

NAMES = ("jwt_secret", "encryption_key")


def with_secrets(settings: Settings) -> Settings:
    """`settings` with every missing secret read from, or written to, the data folder.

    Production never gets here with a missing one: the settings refuse to load.
    """
    made = {
        name: SecretStr(kept_secret(settings.data_dir / "secrets" / name))
        for name in NAMES
        if not getattr(settings, name).get_secret_value()
    }
    return settings.model_copy(update=made)


def kept_secret(path: Path) -> str:
    """The text of `path`, written first when it is not there; of two writers one wins and both read it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()
