"""Erasure over REST: the proof, the closed doors, the receipt."""

from rest_harness import Answer, Person, Rest, opened, with_settings

from domain.ports import Ports

PASSWORD = "a long enough password"


async def erased(person: Person, **proof: str) -> Answer:
    return await person.ask("DELETE", "/v1/me", proof or {"recovery_code": person.recovery_code})


async def test_an_erased_account_is_shut_everywhere(rest: Rest) -> None:
    person = await rest.register_email("gone@example.org", PASSWORD, handle="gone")
    answer = await erased(person, current_password=PASSWORD)
    assert answer.status == 200
    assert set(answer.body) == {"receipt_id", "requested_at", "state", "completed_at", "erased"}
    assert (answer.body["state"], answer.body["completed_at"]) == ("running", None)
    assert (await person.get("/v1/me")).status == 401
    assert (await rest.ask("POST", "/v1/auth/refresh", {"refresh_token": person.refresh})).status == 401
    for identifier in ("gone", "gone@example.org"):
        login = {"identifier": identifier, "password": PASSWORD}
        assert (await rest.ask("POST", "/v1/auth/login", login)).error == (401, "unauthenticated", None)
    recovery = {"handle": "gone", "recovery_code": person.recovery_code}
    assert (await rest.ask("POST", "/v1/auth/recover", recovery)).status == 401
    assert (await erased(person, current_password=PASSWORD)).status == 401


async def test_a_wrong_proof_is_forbidden_and_the_session_goes_on(rest: Rest, alice: Person) -> None:
    assert (await erased(alice, recovery_code="ABCD-EFGH")).error == (403, "forbidden", "recovery_code")
    assert (await erased(alice, current_password="x")).error == (403, "forbidden", "current_password")
    without = await alice.ask("DELETE", "/v1/me", {})
    assert without.error == (403, "forbidden", "current_password")
    assert (await alice.ask("DELETE", "/v1/me")).status == 403
    assert (await alice.get("/v1/me")).status == 200


async def test_proofs_are_tried_as_often_as_passwords(ports: Ports) -> None:
    async with opened(with_settings(ports, login_attempts_per_minute=2)) as rest:
        person = await rest.register()
        tries = [await erased(person, recovery_code="ABCD-EFGH") for _ in range(3)]
        assert [answer.status for answer in tries] == [403, 403, 429]
        assert (await erased(person)).status == 429


async def test_the_receipt_is_shown_to_whoever_has_it(rest: Rest, alice: Person) -> None:
    await alice.post("zqx-what-i-said")
    receipt_id = (await erased(alice)).body["receipt_id"]
    shown = await rest.ask("GET", f"/v1/erasures/{receipt_id}")
    assert (shown.status, shown.body["state"], shown.body["erased"]) == (200, "running", {"posts": 1})
    assert alice.id not in shown.text
    assert (await rest.ask("GET", f"/v1/erasures/{'0' * 32}")).error == (404, "not_found", None)
    assert (await rest.ask("GET", "/v1/erasures/1")).error == (400, "invalid", "receipt_id")


async def test_receipts_are_not_to_be_guessed_at(ports: Ports) -> None:
    async with opened(with_settings(ports, requests_per_minute=3)) as rest:
        answers = [await rest.ask("GET", f"/v1/erasures/{number:032x}") for number in range(4)]
        assert [answer.status for answer in answers] == [404, 404, 404, 429]


async def test_nobody_sees_what_an_erased_person_said(alice: Person, bob: Person) -> None:
    mine, theirs = await alice.post("zqx-what-i-said"), await bob.post("something else")
    await alice.respond(theirs, "zqx-what-i-answered")
    await erased(alice)
    assert (await bob.get(f"/v1/posts/{mine}")).error == (404, "not_found", None)
    seen = [
        await bob.get("/v1/feed"),
        await bob.get(f"/v1/posts/{theirs}"),
        await bob.get(f"/v1/posts/{theirs}/responses"),
        await bob.get("/v1/rooms/feed/events"),
        await bob.get(f"/v1/rooms/post:{theirs}/events"),
    ]
    assert [answer.status for answer in seen] == [200] * 5
    assert "zqx" not in "".join(answer.text for answer in seen)
    assert seen[1].body["counts"]["responses"] == 0


async def test_nobody_else_is_called_alice_now(rest: Rest, alice: Person) -> None:
    await erased(alice)
    for handle in ("alice", "Alice"):
        answer = await rest.ask("POST", "/v1/auth/register", {"handle": handle})
        assert answer.error == (409, "conflict", "handle")


async def test_a_banned_person_without_a_session_is_erased_as_well(rest: Rest) -> None:
    person = await rest.register_email("banned@example.org", PASSWORD, handle="banned")
    await rest.ports.records.accounts.update(person.id, {"status": "banned"})
    body = {"identifier": "banned@example.org", "current_password": PASSWORD}
    answer = await rest.ask("POST", "/v1/erasures", body)
    assert (answer.status, answer.body["state"]) == (200, "running")
    login = {"identifier": "banned", "password": PASSWORD}
    assert (await rest.ask("POST", "/v1/auth/login", login)).status == 401
    assert (await rest.ask("POST", "/v1/erasures", body)).error == (401, "unauthenticated", None)


async def test_without_a_session_the_recovery_code_is_proof_too(rest: Rest, alice: Person) -> None:
    body = {"identifier": "Alice", "recovery_code": alice.recovery_code}
    assert (await rest.ask("POST", "/v1/erasures", body)).status == 200
    assert (await alice.get("/v1/me")).status == 401


async def test_without_proof_nobody_learns_whom_there_is(rest: Rest, alice: Person) -> None:
    proofs = [{"recovery_code": "ABCD-EFGH"}, {"current_password": "x"}, {"current_password": ""}, {}]
    bodies = [{"identifier": name, **proof} for name in ("alice", "nobody-here") for proof in proofs]
    answers = [await rest.ask("POST", "/v1/erasures", body) for body in bodies]
    assert {(answer.status, answer.text) for answer in answers} == {(401, answers[0].text)}
    assert (await alice.get("/v1/me")).status == 200


async def test_guesses_at_one_account_are_limited(ports: Ports) -> None:
    async with opened(with_settings(ports, login_attempts_per_minute=2)) as rest:
        body = {"identifier": "somebody", "current_password": "a guess"}
        answers = [await rest.ask("POST", "/v1/erasures", body) for _ in range(3)]
        assert [answer.status for answer in answers] == [401, 401, 429]
