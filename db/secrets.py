"""Secrets of the embedded default: made once, kept in the data folder for its owner alone."""

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import SecretStr

from db.signing import new_key_text
from domain.settings import Settings, settings_to_blame

Make = Callable[[], str]


def random_text() -> str:
    return secrets.token_urlsafe(48)


MAKERS: Mapping[str, Make] = {
    "jwt_secret": random_text,
    "encryption_key": random_text,
    "crisis_pack_key": new_key_text,
}


def with_secrets(settings: Settings) -> Settings:
    """`settings` with every missing secret read from, or written to, the data folder.

    In production nothing is made up: what it cannot do without the settings demand. Raises SettingsError.
    """
    if settings.server_env == "production":
        return settings
    with settings_to_blame("DATA_DIR", f"no secret can be kept in {settings.data_dir}"):
        made = {
            name: SecretStr(kept_secret(settings.data_dir / "secrets" / name, make))
            for name, make in MAKERS.items()
            if not getattr(settings, name).get_secret_value()
        }
    return settings.model_copy(update=made)


def kept_secret(path: Path, make: Make = random_text) -> str:
    """The text of `path`, written first when it is not there; of two writers one wins and both read it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(make())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()
