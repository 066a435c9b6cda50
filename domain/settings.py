"""Every setting of the product: one frozen object from the environment and `.env`.

Units are in the names. Every wrong or missing value is reported at once, by its name.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

SECRET_CHARACTERS_MIN = 32
"""A signing or encryption secret of fewer characters is refused in production."""

Positive = Annotated[int, Field(gt=0)]


class SettingsError(Exception):
    """The settings are wrong; each line of the message names one of them."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    server_env: Literal["development", "test", "production"] = "development"
    server_host: str = "127.0.0.1"
    server_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    server_processes: Annotated[int, Field(ge=1, le=64)] = 1
    worker_port: Annotated[int, Field(ge=0, le=65535)] = 0
    data_dir: Path = Path(".data")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    metrics_token: SecretStr = SecretStr("")

    postgres_url: str = ""
    postgres_pool_max: Positive = 10
    mongodb_uri: str = ""
    mongodb_database: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,60}$")] = "anonymous_support"
    redis_url: str = ""
    redis_pool_max: Positive = 32
    store_timeout_seconds: Annotated[float, Field(gt=0)] = 5.0

    jwt_secret: SecretStr = SecretStr("")
    encryption_key: SecretStr = SecretStr("")
    access_token_seconds: Positive = 15 * 60
    refresh_token_seconds: Positive = 7 * 24 * 3600
    refresh_grace_seconds: Annotated[int, Field(ge=0, le=60)] = 10
    password_threads: Positive = 2

    payload_bytes_max: Positive = 32 * 1024
    post_characters_max: Positive = 5000
    response_characters_max: Positive = 2000
    handler_timeout_seconds: Annotated[float, Field(gt=0)] = 5.0
    outbound_buffer_bytes: Positive = 256 * 1024
    connections_max: Positive = 15_000
    sockets_per_account: Positive = 5
    session_check_seconds: Annotated[float, Field(gt=0)] = 2.0
    presence_grace_seconds: Positive = 30
    drain_seconds: Positive = 20

    room_log_events: Positive = 1000
    room_log_seconds: Positive = 24 * 3600
    room_replay_events_max: Positive = 1000

    page_size: Positive = 20
    page_size_max: Positive = 100
    post_expiry_days: Positive = 30
    idempotency_hours: Positive = 24

    posts_per_hour: Positive = 10
    responses_per_hour: Positive = 100
    quick_supports_per_minute: Positive = 60
    circles_per_day: Positive = 10
    events_per_minute: Positive = 600
    requests_per_minute: Positive = 600
    registrations_per_hour: Positive = 30
    login_attempts_per_minute: Positive = 10

    relay_after_seconds: Annotated[float, Field(gt=0)] = 2.0
    relay_poll_seconds: Annotated[float, Field(gt=0)] = 0.5
    announce_pending_max: Positive = 1000

    fault_crash_before_publish: str = ""
    """Tests only: kill -9 this process after the commit of an event of this name."""

    @field_validator("cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("postgres_url", "mongodb_uri", "redis_url")
    @classmethod
    def _known_scheme(cls, value: str, info: Any) -> str:
        schemes = STORE_SCHEMES[info.field_name]
        if value and not value.startswith(schemes):
            raise ValueError(f"expected a URL that starts with {' or '.join(schemes)}")
        return value

    @model_validator(mode="after")
    def _fit_for_production(self) -> "Settings":
        if self.server_env == "production" and (problems := production_problems(self)):
            raise ValueError("\n".join(problems))
        return self

    @property
    def embedded(self) -> bool:
        """True when no store is configured: the embedded ones are started."""
        return not (self.postgres_url or self.mongodb_uri or self.redis_url)


STORE_SCHEMES = {
    "postgres_url": ("postgres://", "postgresql://"),
    "mongodb_uri": ("mongodb://", "mongodb+srv://"),
    "redis_url": ("redis://", "rediss://", "unix://"),
}


def production_problems(settings: Settings) -> list[str]:
    """What forbids these settings in production, a line each."""
    problems = [
        f"{name.upper()}: required in production (expected a store URL)"
        for name in STORE_SCHEMES
        if not getattr(settings, name)
    ]
    problems += [
        f"{name.upper()}: required in production, expected {SECRET_CHARACTERS_MIN} random characters or more"
        for name in ("jwt_secret", "encryption_key")
        if weak(getattr(settings, name).get_secret_value())
    ]
    if settings.fault_crash_before_publish:
        problems.append("FAULT_CRASH_BEFORE_PUBLISH: only for tests (expected to be empty)")
    return problems


def weak(secret: str) -> bool:
    """Too short, or too few different characters to have been drawn at random."""
    return len(secret) < SECRET_CHARACTERS_MIN or len(set(secret)) < 10


def load_settings(env_file: Path | None = Path(".env"), **overrides: Any) -> Settings:
    """Environment over `env_file` over defaults; raises `SettingsError` that lists every problem."""
    try:
        settings = Settings(_env_file=env_file, **overrides)  # type: ignore[call-arg]
    except ValidationError as error:
        raise SettingsError(
            "\n".join(problem for item in error.errors() for problem in _lines(item))
        ) from None
    if problems := store_problems(settings):
        raise SettingsError("\n".join(problems))
    return settings


def store_problems(settings: Settings) -> list[str]:
    """Stores are configured all or none: a mix of real and embedded would lose data quietly."""
    missing = [name.upper() for name in STORE_SCHEMES if not getattr(settings, name)]
    if not missing or len(missing) == len(STORE_SCHEMES):
        return []
    return [f"{name}: required when another store is configured (expected a store URL)" for name in missing]


def _lines(item: Mapping[str, Any]) -> list[str]:
    message = str(item["msg"]).removeprefix("Value error, ")
    if not item["loc"]:
        return message.split("\n")
    name = ".".join(str(part) for part in item["loc"]).upper()
    shown = (
        ""
        if any(word in name for word in ("SECRET", "KEY", "URL", "URI", "TOKEN"))
        else f", got {item['input']!r}"
    )
    return [f"{name}: {message}{shown}"]
