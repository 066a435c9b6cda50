"""Every setting of the product: one frozen object from the environment and `.env`.

Units are in the names. Every wrong or missing value is reported at once, by its name.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, FilePath, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from domain.jobs import JobSettings

SECRET_CHARACTERS_MIN = 32
"""A signing or encryption secret of fewer characters is refused in production."""

LEASE_PULSES_MIN = 2
"""Pulses that a lease has to outlast."""

PRIVATE_KEY = re.compile(r"[A-Za-z0-9_-]{43}=?")
KEY_MAKERS = {"vapid_private_key": "python -m db.push.vapid", "crisis_pack_key": "python -m db.pack key"}

Positive = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0)]


class SettingsError(Exception):
    """The settings are wrong; each line of the message names one of them."""


@contextmanager
def settings_to_blame(names: str, problem: str) -> Iterator[None]:
    """What the system refuses meanwhile is said by the names of the settings that asked for it."""
    try:
        yield
    except OSError as error:
        raise SettingsError(f"{names}: {problem}: {error.strerror or error}") from error


class Settings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, allow_inf_nan=False)

    server_env: Literal["development", "test", "production"] = "development"
    server_host: str = "127.0.0.1"
    server_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    server_processes: Annotated[int, Field(ge=1, le=64)] = 1
    worker_port: Annotated[int, Field(ge=0, le=65535)] = 0
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    data_dir: Path = Path(".data")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    metrics_token: SecretStr = SecretStr("")
    otel_exporter_otlp_endpoint: Annotated[str, Field(pattern=r"^(https?://.+)?$")] = ""
    traces_sampled_share: Annotated[float, Field(ge=0, le=1)] = 1.0

    postgres_url: str = ""
    postgres_pool_max: Positive = 10
    mongodb_uri: str = ""
    mongodb_database: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,60}$")] = "anonymous_support"
    redis_url: str = ""
    redis_pool_max: Positive = 32
    room_redis_urls: Annotated[tuple[str, ...], NoDecode] = ()
    store_timeout_seconds: Annotated[float, Field(gt=0)] = 5.0

    jwt_secret: SecretStr = SecretStr("")
    encryption_key: SecretStr = SecretStr("")
    crisis_pack_key: SecretStr = SecretStr("")
    access_token_seconds: Positive = 15 * 60
    refresh_token_seconds: Positive = 7 * 24 * 3600
    refresh_grace_seconds: Annotated[int, Field(ge=0, le=60)] = 10
    refresh_lost_seconds: Annotated[int, Field(ge=0, le=7 * 86400)] = 0
    """So long a phone may retry a refresh whose answer it never got; 0: no longer than the grace.

    Off unless an operator wants it: until the phone refreshes, who has its used token gets in as well.
    """
    password_threads: Positive = 2

    payload_bytes_max: Positive = 32 * 1024
    post_characters_max: Positive = 5000
    response_characters_max: Positive = 2000
    voice_note_bytes_max: Positive = 1024 * 1024
    voice_note_seconds_max: Positive = 60
    voice_note_unused_seconds: Positive = 3600
    uploads_concurrent_max: Positive = 32
    upload_timeout_seconds: Annotated[float, Field(gt=0)] = 60.0
    handler_timeout_seconds: Annotated[float, Field(gt=0)] = 5.0
    outbound_buffer_bytes: Positive = 256 * 1024
    connections_max: Positive = 15_000
    connects_concurrent_max: Positive = 256
    sockets_per_account: Positive = 5
    socket_lease_seconds: Positive = 15
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
    handle_hold_days: Positive = 90

    posts_per_hour: Positive = 10
    post_changes_per_hour: Positive = 60
    responses_per_hour: Positive = 100
    quick_supports_per_minute: Positive = 60
    circles_per_day: Positive = 10
    circles_per_account: Positive = 100
    threads_per_client: Positive = 50
    moments_per_day: Positive = 100
    trackers_max: Positive = 20
    voice_notes_per_hour: Positive = 60
    new_account_voice_notes_per_hour: Positive = 10
    new_account_circles_per_day: Positive = 1
    circle_changes_per_hour: Positive = 60
    invitations_per_day: Positive = 50
    circle_codes_max: Positive = 20
    circle_codes_tried_per_hour: Positive = 20
    slowed_posts_per_hour: Positive = 2
    reports_per_day: Positive = 30
    worries_per_day: Positive = 5
    blocks_per_hour: Positive = 100
    moderator_break_after_load: Positive = 30
    presence_changes_per_minute: Positive = 20
    replays_per_minute: Positive = 60
    events_per_minute: Positive = 600
    requests_per_minute: Positive = 600
    exports_per_hour: Positive = 5
    uploads_per_minute: Positive = 20
    registrations_per_hour: Positive = 30
    login_attempts_per_minute: Positive = 10
    handle_changes_per_day: Positive = 10

    notification_days: Positive = 90
    devices_per_account: Positive = 10
    push_group_seconds: Annotated[int, Field(ge=0)] = 300
    push_timeout_seconds: Annotated[float, Field(gt=0)] = 5.0
    fcm_service_account_file: FilePath | None = None
    fcm_url: str = "https://fcm.googleapis.com"
    apns_key_file: FilePath | None = None
    apns_key_id: str = ""
    apns_team_id: str = ""
    apns_topic: str = ""
    apns_url: str = "https://api.push.apple.com"
    vapid_private_key: SecretStr = SecretStr("")
    vapid_subject: str = ""
    web_push_hosts: Annotated[tuple[str, ...], NoDecode] = (
        "fcm.googleapis.com",
        "updates.push.services.mozilla.com",
        "*.push.services.mozilla.com",
        "*.notify.windows.com",
        "*.push.apple.com",
    )

    relay_after_seconds: Annotated[float, Field(gt=0)] = 2.0
    relay_poll_seconds: Annotated[float, Field(gt=0)] = 0.5
    announce_pending_max: Positive = 1000

    job_urgent_slots: Positive = 32
    job_default_slots: Positive = 32
    job_bulk_slots: Positive = 8
    job_lease_seconds: Seconds = 6.0
    job_pulse_seconds: Seconds = 1.5
    job_lost_max: Positive = 20
    job_idle_wait_seconds: Seconds = 1.0
    job_flush_seconds: Seconds = 0.02
    job_flush_rows: Positive = 500
    job_unsettled_max: Positive = 5_000
    job_stop_seconds: Seconds = 20.0
    job_recheck_after_seconds: Seconds = 2.0
    job_recheck_seconds: Seconds = 30.0
    job_recheck_rows: Positive = 1_000
    job_schedule_wait_seconds: Seconds = 5.0
    job_done_days: Positive = 7
    job_dead_days: Positive = 30

    fault_crash_before_publish: str = ""
    """Tests only: kill -9 this process after the commit of an event of this name."""

    @field_validator("cors_origins", "trusted_proxies", "web_push_hosts", "room_redis_urls", mode="before")
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

    @field_validator("room_redis_urls")
    @classmethod
    def _one_kind(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        single = [url.startswith(STORE_SCHEMES["redis_url"]) for url in value]
        cluster = [url.startswith(CLUSTER_SCHEMES) for url in value]
        if not (all(single) or all(cluster)):
            expected = " or ".join(STORE_SCHEMES["redis_url"]), " or ".join(CLUSTER_SCHEMES)
            raise ValueError(f"expected URLs that all start with {expected[0]}, or all with {expected[1]}")
        return value

    @field_validator("vapid_private_key", "crisis_pack_key")
    @classmethod
    def _private_key(cls, value: SecretStr, info: Any) -> SecretStr:
        if value.get_secret_value() and not PRIVATE_KEY.fullmatch(value.get_secret_value()):
            raise ValueError(f"expected 32 bytes in base64url (`{KEY_MAKERS[info.field_name]}` makes them)")
        return value

    @property
    def embedded(self) -> bool:
        """True when no store is configured: the embedded ones are started."""
        return not (self.postgres_url or self.mongodb_uri or self.redis_url)

    @property
    def jobs(self) -> JobSettings:
        """The bounds of a worker: every `job_` setting under the name that it has there."""
        return JobSettings(**{name: getattr(self, f"job_{name}") for name in JobSettings.__struct_fields__})


STORE_SCHEMES = {
    "postgres_url": ("postgres://", "postgresql://"),
    "mongodb_uri": ("mongodb://", "mongodb+srv://"),
    "redis_url": ("redis://", "rediss://", "unix://"),
}
CLUSTER_SCHEMES = ("redis+cluster://", "rediss+cluster://")


PUSH_SETTINGS = (
    ("apns_key_file", "apns_key_id", "apns_team_id", "apns_topic"),
    ("vapid_private_key", "vapid_subject"),
)


def demands(settings: Settings) -> dict[str, str]:
    """What is missing for these settings to be used, by name."""
    return {**_of_production(settings), **_of_stores(settings), **_of_push(settings), **_of_jobs(settings)}


def _of_production(settings: Settings) -> dict[str, str]:
    if settings.server_env != "production":
        return {}
    missing = dict.fromkeys(_without_url(settings), "required in production (expected a store URL)")
    missing |= {
        name: f"required in production, expected {SECRET_CHARACTERS_MIN} random characters or more"
        for name in ("jwt_secret", "encryption_key")
        if weak(getattr(settings, name).get_secret_value())
    }
    if settings.fault_crash_before_publish:
        missing["fault_crash_before_publish"] = "only for tests (expected to be empty)"
    return missing


def _of_stores(settings: Settings) -> dict[str, str]:
    """Stores are configured all or none: a mix of real and embedded would lose data quietly."""
    missing = _without_url(settings)
    if len(missing) == len(STORE_SCHEMES):
        return {}
    return dict.fromkeys(missing, "required when another store is configured (expected a store URL)")


def _of_push(settings: Settings) -> dict[str, str]:
    """A push service is configured whole or not at all: half of one would lose pushes quietly."""
    missing = [name for group in PUSH_SETTINGS for name in _half_set(group, settings)]
    return dict.fromkeys(missing, "required when the rest of this push service is configured")


def _of_jobs(settings: Settings) -> dict[str, str]:
    """One late pulse must not give a running job to somebody else."""
    if settings.job_lease_seconds >= LEASE_PULSES_MIN * settings.job_pulse_seconds:
        return {}
    return {"job_lease_seconds": f"expected at least {LEASE_PULSES_MIN} times JOB_PULSE_SECONDS"}


def _half_set(group: tuple[str, ...], settings: Settings) -> list[str]:
    empty = [name for name in group if not given(getattr(settings, name))]
    return empty if len(empty) < len(group) else []


def given(value: object) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


def _without_url(settings: Settings) -> list[str]:
    return [name for name in STORE_SCHEMES if not getattr(settings, name)]


def weak(secret: str) -> bool:
    """Too short, or too few different characters to have been drawn at random."""
    return len(secret) < SECRET_CHARACTERS_MIN or len(set(secret)) < 10


def load_settings(env_file: Path | None = Path(".env"), **overrides: Any) -> Settings:
    """Environment over `env_file` over defaults; raises `SettingsError` that lists every problem."""
    wrong: dict[str, str] = {}
    try:
        settings = Settings(_env_file=env_file, **overrides)  # type: ignore[call-arg]
    except ValidationError as error:
        wrong = {str(item["loc"][0]): _told(item) for item in error.errors()}
        # What the rest demands is told as well: nobody should fix one setting to hear of the next.
        rest = {**overrides, **{name: Settings.model_fields[name].default for name in wrong}}
        settings = Settings(_env_file=env_file, **rest)  # type: ignore[call-arg]
    if problems := {**demands(settings), **wrong}:
        raise SettingsError("\n".join(f"{name.upper()}: {text}" for name, text in problems.items()))
    return settings


def _told(item: Mapping[str, Any]) -> str:
    """What is wrong, with the value unless it may be a secret."""
    message = str(item["msg"]).removeprefix("Value error, ")
    name = str(item["loc"][0]).upper()
    if any(word in name for word in ("SECRET", "KEY", "URL", "URI", "TOKEN")):
        return message
    return f"{message}, got {item['input']!r}"
