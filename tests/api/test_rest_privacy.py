"""What must never come out: who somebody is, what they wrote, what opens their account."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
import structlog
from rest_harness import Person, Rest, opened, with_settings

from api import errors
from domain import posts
from domain.ports import Passwords, Ports
from tests.recordings import recording

EMAIL = "canary-address@canary.example"
PASSWORD = "canary-password-qwz"
CONTENT = "canary-content-qwz I relapsed last night"
ADDRESS = "203.0.113.199"


class CountedPasswords:
    """Passes everything on and counts what costs time."""

    def __init__(self, passwords: Passwords) -> None:
        self._passwords = passwords
        self.slow = 0

    async def hash(self, password: str) -> str:
        self.slow += 1
        return await self._passwords.hash(password)

    async def verify(self, password: str, hashed: str | None) -> bool:
        self.slow += 1
        return await self._passwords.verify(password, hashed)

    async def stretch(self, password: str, salt: bytes) -> bytes:
        self.slow += 1
        return await self._passwords.stretch(password, salt)


async def test_a_failed_login_tells_nothing_by_status_body_or_work(ports: Ports) -> None:
    passwords = CountedPasswords(ports.passwords)
    async with opened(replace(ports, passwords=passwords)) as rest:
        await rest.register(handle="nopassword")
        await rest.register_email("known@example.org", PASSWORD, handle="known")
        banned = await rest.register_email("banned@example.org", PASSWORD, handle="banned")
        await ports.records.accounts.update(banned.id, {"status": "banned"})
        tries = ["known", "unknown", "nopassword", "known@example.org", "unknown@example.org"]
        tries += ["banned", "banned@example.org"]
        bodies = [{"identifier": identifier, "password": "not the password"} for identifier in tries]
        seen = set()
        for body in bodies:
            before = passwords.slow
            answer = await rest.ask("POST", "/v1/auth/login", body)
            seen.add((answer.status, answer.text, passwords.slow - before))
        assert [status for status, _, _ in seen] == [401]


async def test_a_failed_recovery_tells_nothing(rest: Rest, alice: Person) -> None:
    bodies = [{"handle": handle, "recovery_code": "ABCD-EFGH-JKMN"} for handle in ("alice", "nobody-here")]
    answers = [await rest.ask("POST", "/v1/auth/recover", body) for body in bodies]
    assert len({(answer.status, answer.text) for answer in answers}) == 1


async def broken(*_: Any, **__: Any) -> None:
    """A bug of ours whose message quotes what somebody wrote, as those of drivers do."""
    raise RuntimeError(f"value out of range: {CONTENT} {EMAIL}")


async def test_a_bug_of_ours_answers_internal_and_is_reported_without_its_text(
    rest: Rest, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = structlog.testing.LogCapture()
    monkeypatch.setattr(errors, "log", structlog.wrap_logger(structlog.PrintLogger(), processors=[capture]))
    monkeypatch.setattr(posts, "history", broken)
    answer = await alice.get("/v1/me/history")
    assert answer.error == (500, "internal", None)
    assert CONTENT not in answer.text
    assert "RuntimeError" not in answer.text
    (entry,) = capture.entries
    assert (entry["event"], entry["route"]) == ("request.failed", "/v1/me/history")
    assert (entry["error"], entry["where"][-1].endswith(" broken")) == ("RuntimeError", True)
    assert CONTENT not in repr(entry)


async def everything(rest: Rest) -> list[str]:
    """Uses every route, well and badly; gives the secrets that came up on the way."""
    headers = {"X-Forwarded-For": ADDRESS}
    person = await rest.register_email(EMAIL, PASSWORD)
    login = await rest.ask(
        "POST", "/v1/auth/login", {"identifier": EMAIL, "password": PASSWORD}, headers=headers
    )
    tokens = login.body["tokens"]
    post_id = await person.post(CONTENT)
    await rest.ports.announcer.drain()
    reads: list[Callable[[], Awaitable[object]]] = [
        lambda path=path: person.ask("GET", path, headers=headers)  # type: ignore[misc]
        for path in (
            "/v1/me",
            "/v1/feed",
            "/v1/me/history",
            f"/v1/posts/{post_id}",
            f"/v1/posts/{post_id}/responses",
            "/v1/rooms/feed/events",
            f"/v1/feed?cursor={CONTENT}",
            f"/v1/feed?access_token={person.access}",
            f"/v1/posts/{EMAIL}",
            f"/{EMAIL}",
        )
    ]
    for read in reads:
        await read()
    sound = {**headers, "Content-Type": "audio/ogg"}
    for client_id, file in (("recording-1", recording("voice.ogg")), (CONTENT, CONTENT.encode())):
        path = f"/v1/voice-notes?client_id={client_id}"
        await person.ask("POST", path, raw=file, headers=sound)
    await rest.ask("POST", "/v1/auth/login", {"identifier": EMAIL, "password": PASSWORD + "x"})
    await rest.ask("POST", "/v1/auth/login", {"identifier": EMAIL, "password": [PASSWORD], EMAIL: CONTENT})
    await rest.ask("POST", "/v1/auth/register/email", raw=f'{{"email": "{EMAIL}"'.encode())
    await rest.ask("PATCH", "/v1/me", {"handle": EMAIL}, token=tokens["access_token"])
    recover = {"handle": person.handle, "recovery_code": person.recovery_code}
    recovered = await rest.ask("POST", "/v1/auth/recover", recover)
    refresh = {"refresh_token": recovered.body["tokens"]["refresh_token"]}
    renewed = await rest.ask("POST", "/v1/auth/refresh", refresh)
    change = {"new_password": PASSWORD + "2", "current_password": PASSWORD}
    access = renewed.body["access_token"]
    assert (await rest.ask("POST", "/v1/auth/password", change, token=access)).status == 200
    secrets = [person.access, person.refresh, person.recovery_code, *tokens.values()]
    secrets += [access, refresh["refresh_token"], recovered.body["recovery_code"]]
    return [secret for secret in secrets if isinstance(secret, str) and secret != "Bearer"]


async def test_no_log_and_no_metric_holds_a_canary(
    ports: Ports,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, logger="pymongo")
    trusting = with_settings(ports, trusted_proxies=("127.0.0.1",))
    with structlog.testing.capture_logs() as entries:
        async with opened(trusting) as rest:
            secrets = await everything(rest)
            person = await rest.register()
            monkeypatch.setattr(posts, "history", broken)
            assert (await person.get("/v1/me/history")).status == 500
            metrics = (await rest.ask("GET", "/metrics")).text
    written = "\n".join([repr(entries), caplog.text, *capfd.readouterr(), metrics])
    assert "request.failed" in written
    for canary in [EMAIL, "canary", PASSWORD, CONTENT, ADDRESS, *secrets]:
        assert canary not in written
