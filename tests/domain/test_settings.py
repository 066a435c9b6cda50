"""Settings: read once, refused by name, all at once."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from domain.jobs import JobSettings
from domain.settings import Settings, SettingsError, load_settings

EXAMPLE = Path(__file__).parents[2] / ".env.example"
ONLY_FOR_TESTS = {"FAULT_CRASH_BEFORE_PUBLISH"}
GOOD_SECRET = "k3-Vq9x_7PzLw2TnRb8sYh5dFm1cJg4a"
STORES = {
    "postgres_url": "postgresql://localhost/app",
    "mongodb_uri": "mongodb://localhost/app",
    "redis_url": "redis://localhost",
}
PRODUCTION = {
    "server_env": "production",
    "jwt_secret": GOOD_SECRET,
    "encryption_key": GOOD_SECRET[::-1],
    **STORES,
}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def problems(**values: object) -> dict[str, str]:
    """What is refused, by name."""
    with pytest.raises(SettingsError) as refusal:
        load_settings(None, **values)
    return dict(line.split(": ", 1) for line in str(refusal.value).splitlines())


def test_the_defaults_start_embedded_stores() -> None:
    settings = load_settings(None)
    assert settings.embedded
    assert (settings.server_env, settings.server_port) == ("development", 8080)


def test_the_bounds_are_those_that_were_promised() -> None:
    settings = load_settings(None)
    assert (settings.payload_bytes_max, settings.post_characters_max) == (32 * 1024, 5000)
    assert (settings.posts_per_hour, settings.responses_per_hour) == (10, 100)
    assert (settings.quick_supports_per_minute, settings.sockets_per_account) == (60, 5)
    assert (settings.access_token_seconds, settings.refresh_token_seconds) == (900, 604_800)
    assert (settings.page_size, settings.page_size_max) == (20, 100)


def test_the_example_names_every_setting_with_its_default() -> None:
    lines = EXAMPLE.read_text().splitlines()
    named = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
    assert named == {name.upper() for name in Settings.model_fields} - ONLY_FOR_TESTS
    assert load_settings(EXAMPLE) == load_settings(None)


def test_a_worker_is_bound_by_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(None).jobs == JobSettings()
    monkeypatch.setenv("JOB_BULK_SLOTS", "3")
    monkeypatch.setenv("JOB_DEAD_DAYS", "90")
    bounds = load_settings(None).jobs
    assert (bounds.slots("bulk"), bounds.dead_days) == (3, 90)


def test_a_lease_outlasts_its_pulses() -> None:
    assert set(problems(job_lease_seconds=2, job_pulse_seconds=1.5)) == {"JOB_LEASE_SECONDS"}


def test_every_wrong_value_is_named_at_once() -> None:
    found = problems(
        server_port="http", log_level="loud", posts_per_hour=0, refresh_grace_seconds=61, redis_url="http://x"
    )
    assert set(found) == {
        "SERVER_PORT",
        "LOG_LEVEL",
        "POSTS_PER_HOUR",
        "REFRESH_GRACE_SECONDS",
        "REDIS_URL",
    }
    assert "got 'http'" in found["SERVER_PORT"]
    assert "redis://" in found["REDIS_URL"]


def test_wrong_values_and_what_production_demands_are_told_together() -> None:
    found = problems(server_env="production", server_port="http", postgres_url="mysql://x")
    assert set(found) == {
        "SERVER_PORT",
        "POSTGRES_URL",
        "MONGODB_URI",
        "REDIS_URL",
        "JWT_SECRET",
        "ENCRYPTION_KEY",
    }
    assert "postgresql://" in found["POSTGRES_URL"]


@pytest.mark.parametrize("name", sorted(PRODUCTION.keys() - {"server_env"}))
def test_production_demands_each_of_these(name: str) -> None:
    assert set(problems(**{**PRODUCTION, name: ""})) == {name.upper()}


@pytest.mark.parametrize("weak", ["secret", GOOD_SECRET[:31], "ab" * 40])
def test_production_refuses_a_weak_secret_without_showing_it(weak: str) -> None:
    found = problems(**{**PRODUCTION, "jwt_secret": weak})
    assert set(found) == {"JWT_SECRET"}
    assert weak not in found["JWT_SECRET"]


def test_production_refuses_what_is_for_tests() -> None:
    found = problems(**PRODUCTION, fault_crash_before_publish="post:new")
    assert set(found) == {"FAULT_CRASH_BEFORE_PUBLISH"}


def test_production_starts_with_all_it_demands() -> None:
    assert load_settings(None, **PRODUCTION).server_env == "production"


@pytest.mark.parametrize("missing", sorted(STORES))
def test_stores_are_configured_all_or_none(missing: str) -> None:
    assert set(problems(**{**STORES, missing: ""})) == {missing.upper()}
    assert not load_settings(None, **STORES).embedded


def test_a_secret_or_a_password_in_a_url_is_never_repeated() -> None:
    found = problems(postgres_url="mysql://me:hunter2@host/app", jwt_secret=["hunter2"])
    assert "hunter2" not in str(found)


def test_the_env_file_is_read_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("SERVER_PORT=9001\nPOSTS_PER_HOUR=3\nLOG_LEVEL=\nSOMETHING_ELSE=1\n")
    monkeypatch.setenv("POSTS_PER_HOUR", "4")
    settings = load_settings(env_file)
    assert (settings.server_port, settings.posts_per_hour, settings.log_level) == (9001, 4, "info")
    assert load_settings(env_file, posts_per_hour=5).posts_per_hour == 5


def test_a_wrong_value_in_the_env_file_is_named(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("SERVER_PORT=http\n")
    with pytest.raises(SettingsError, match=r"^SERVER_PORT: .*got 'http'$"):
        load_settings(env_file)


def test_lists_are_written_with_commas() -> None:
    settings = load_settings(None, cors_origins=" https://a.example, https://b.example ,")
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert load_settings(None, trusted_proxies="").trusted_proxies == ()


def test_settings_cannot_be_changed_and_hide_their_secrets() -> None:
    settings = load_settings(None, jwt_secret=GOOD_SECRET)
    with pytest.raises(ValidationError):
        settings.server_port = 1
    assert GOOD_SECRET not in repr(settings)


def test_a_push_service_is_configured_whole_or_not_at_all(tmp_path: Path) -> None:
    key = tmp_path / "key.p8"
    key.write_text("a key")
    with pytest.raises(SettingsError) as error:
        load_settings(None, apns_key_file=key, apns_key_id="KEY", vapid_subject="mailto:ops@example.org")
    named = {line.partition(":")[0] for line in str(error.value).splitlines()}
    assert named == {"APNS_TEAM_ID", "APNS_TOPIC", "VAPID_PRIVATE_KEY"}


def test_keys_for_push_that_cannot_be_used_are_named_and_not_shown(tmp_path: Path) -> None:
    wrong = {"vapid_private_key": "canary-key", "fcm_service_account_file": tmp_path / "absent.json"}
    with pytest.raises(SettingsError) as error:
        load_settings(None, vapid_subject="mailto:ops@example.org", **wrong)
    named = {line.partition(":")[0] for line in str(error.value).splitlines()}
    assert named == {"VAPID_PRIVATE_KEY", "FCM_SERVICE_ACCOUNT_FILE"}
    assert "canary-key" not in str(error.value)


def test_a_time_has_an_end() -> None:
    assert "finite" in problems(handler_timeout_seconds="inf")["HANDLER_TIMEOUT_SECONDS"]
