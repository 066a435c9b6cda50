"""Sessions over REST: rotation, theft, going out, and what stays shut afterwards."""

import asyncio

from rest_harness import Answer, MovableClock, Person, Rest, opened, with_settings

from domain.ports import Ports

LATER_THAN_GRACE = 11
LOGIN = "/v1/auth/login"
PASSWORD = "a long enough password"
OTHER = "another long password"


async def refreshed(rest: Rest, token: str) -> Answer:
    return await rest.ask("POST", "/v1/auth/refresh", {"refresh_token": token})


async def opens(rest: Rest, access_token: str) -> bool:
    answer = await rest.ask("GET", "/v1/me", token=access_token)
    assert answer.status in (200, 401)
    return answer.status == 200


async def logged_in(rest: Rest, identifier: str, password: str) -> Answer:
    return await rest.ask("POST", LOGIN, {"identifier": identifier, "password": password})


async def test_a_refresh_gives_a_new_pair_that_works(rest: Rest, alice: Person) -> None:
    answer = await refreshed(rest, alice.refresh)
    assert answer.status == 200
    assert set(answer.body) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert answer.body["refresh_token"] != alice.refresh
    assert await opens(rest, answer.body["access_token"])


async def test_parallel_refreshes_within_the_grace_all_succeed(rest: Rest, alice: Person) -> None:
    answers = await asyncio.gather(*(refreshed(rest, alice.refresh) for _ in range(4)))
    assert [answer.status for answer in answers] == [200] * 4
    assert len({answer.body["refresh_token"] for answer in answers}) == 4
    assert await opens(rest, answers[0].body["access_token"])


async def test_a_stolen_refresh_token_ends_its_whole_family(
    rest: Rest, alice: Person, clock: MovableClock
) -> None:
    later = (await refreshed(rest, alice.refresh)).body
    newest = (await refreshed(rest, later["refresh_token"])).body
    clock.move(LATER_THAN_GRACE)
    assert (await refreshed(rest, alice.refresh)).error == (401, "unauthenticated", None)
    assert not await opens(rest, newest["access_token"])
    assert (await refreshed(rest, newest["refresh_token"])).status == 401


async def test_a_phone_whose_answer_was_lost_in_a_tunnel_can_be_let_in_again(
    ports: Ports, clock: MovableClock
) -> None:
    async with opened(with_settings(ports, refresh_lost_seconds=86_400)) as rest:
        alice = await rest.register(handle="alice")
        lost = (await refreshed(rest, alice.refresh)).body
        clock.move(3600)
        again = (await refreshed(rest, alice.refresh)).body
        assert await opens(rest, again["access_token"])
        assert (await refreshed(rest, lost["refresh_token"])).status == 401
        assert not await opens(rest, again["access_token"])


async def test_a_theft_leaves_other_sessions_alone(rest: Rest, clock: MovableClock) -> None:
    person = await rest.register_email("two@example.org", PASSWORD)
    other = (await logged_in(rest, "two@example.org", PASSWORD)).body["tokens"]
    newest = (await refreshed(rest, person.refresh)).body
    await refreshed(rest, newest["refresh_token"])
    clock.move(LATER_THAN_GRACE)
    assert (await refreshed(rest, person.refresh)).status == 401
    assert await opens(rest, other["access_token"])


async def test_a_refresh_token_expires(rest: Rest, alice: Person, clock: MovableClock) -> None:
    clock.move(rest.ports.settings.refresh_token_seconds)
    assert (await refreshed(rest, alice.refresh)).error == (401, "unauthenticated", None)


async def test_a_made_up_refresh_token_is_refused(rest: Rest) -> None:
    assert (await refreshed(rest, "x" * 43)).error == (401, "unauthenticated", None)


async def test_logging_out_ends_access_and_refresh_at_once(rest: Rest, alice: Person) -> None:
    answer = await alice.ask("POST", "/v1/auth/logout")
    assert (answer.status, answer.text) == (204, "")
    assert not await opens(rest, alice.access)
    assert (await refreshed(rest, alice.refresh)).status == 401


async def test_logging_out_ends_one_session_and_logging_out_everywhere_all(rest: Rest) -> None:
    await rest.register_email("many@example.org", PASSWORD)
    sessions = [(await logged_in(rest, "many@example.org", PASSWORD)).body["tokens"] for _ in range(3)]
    first, second, third = (session["access_token"] for session in sessions)
    await rest.ask("POST", "/v1/auth/logout", token=first)
    assert [await opens(rest, token) for token in (first, second, third)] == [False, True, True]
    answer = await rest.ask("POST", "/v1/auth/logout-all", {}, token=second)
    assert answer.status == 204
    assert [await opens(rest, token) for token in (second, third)] == [False, False]


async def test_a_first_password_makes_login_by_handle_possible(rest: Rest, alice: Person) -> None:
    assert (await logged_in(rest, "alice", PASSWORD)).status == 401
    changed = await alice.ask("POST", "/v1/auth/password", {"new_password": PASSWORD})
    assert changed.status == 200
    assert not await opens(rest, alice.access)
    assert await opens(rest, changed.body["access_token"])
    assert (await logged_in(rest, "Alice", PASSWORD)).body["account"]["id"] == alice.id


async def test_who_only_has_a_token_takes_over_nobody(rest: Rest, alice: Person, clock: MovableClock) -> None:
    clock.move(16 * 60)
    tokens = await rest.ask("POST", "/v1/auth/refresh", {"refresh_token": alice.refresh})
    access, body = tokens.body["access_token"], {"new_password": PASSWORD}
    stolen = await rest.ask("POST", "/v1/auth/password", body, token=access)
    assert stolen.error == (403, "forbidden", "recovery_code")
    assert await opens(rest, access)
    body["recovery_code"] = alice.recovery_code
    assert (await rest.ask("POST", "/v1/auth/password", body, token=access)).status == 200


async def test_changing_a_password_needs_the_current_one(rest: Rest) -> None:
    person = await rest.register_email("change@example.org", PASSWORD)
    body = {"new_password": OTHER, "current_password": "not the one it is"}
    refused = await person.ask("POST", "/v1/auth/password", body)
    assert refused.error == (403, "forbidden", "current_password")
    missing = await person.ask("POST", "/v1/auth/password", {"new_password": OTHER})
    assert missing.error == (403, "forbidden", "current_password")
    assert await opens(rest, person.access)
    changed = await person.ask("POST", "/v1/auth/password", body | {"current_password": PASSWORD})
    assert changed.status == 200
    assert not await opens(rest, person.access)
    assert (await logged_in(rest, "change@example.org", OTHER)).status == 200
    assert (await logged_in(rest, "change@example.org", PASSWORD)).status == 401


async def test_a_thief_who_changes_the_handle_keeps_nobody_out(rest: Rest, alice: Person) -> None:
    await alice.ask("PATCH", "/v1/me", {"handle": "mine-now"})
    await alice.ask("POST", "/v1/auth/logout-all")
    body = {"handle": "alice", "recovery_code": alice.recovery_code}
    answer = await rest.ask("POST", "/v1/auth/recover", body)
    assert (answer.status, answer.body["account"]["id"]) == (200, alice.id)


async def test_a_recovery_code_opens_once_and_ends_older_sessions(rest: Rest, alice: Person) -> None:
    typed = alice.recovery_code.lower().replace("-", " ")
    body = {"handle": "alice", "recovery_code": typed, "new_password": PASSWORD}
    answer = await rest.ask("POST", "/v1/auth/recover", body)
    assert (answer.status, answer.body["account"]["id"]) == (200, alice.id)
    assert answer.body["recovery_code"] != alice.recovery_code
    assert not await opens(rest, alice.access)
    assert (await refreshed(rest, answer.body["tokens"]["refresh_token"])).status == 200
    again = await rest.ask("POST", "/v1/auth/recover", body)
    assert again.error == (401, "unauthenticated", None)
    assert (await logged_in(rest, "alice", PASSWORD)).status == 200


async def test_the_code_is_enough_for_who_forgot_the_handle(rest: Rest, alice: Person) -> None:
    answer = await rest.ask("POST", "/v1/auth/recover", {"recovery_code": alice.recovery_code})
    assert (answer.status, answer.body["account"]["handle"]) == (200, "alice")


async def test_a_recovery_whose_answer_was_lost_is_sent_again(rest: Rest, alice: Person) -> None:
    body = {"handle": "alice", "recovery_code": alice.recovery_code}
    lost, back = [(await rest.ask("POST", "/v1/auth/recover", body)).body for _ in range(2)]
    assert not await opens(rest, lost["tokens"]["access_token"])
    assert await opens(rest, back["tokens"]["access_token"])
    assert len({alice.recovery_code, lost["recovery_code"], back["recovery_code"]}) == 3


async def test_a_banned_account_is_out_at_once(rest: Rest) -> None:
    person = await rest.register_email("gone@example.org", PASSWORD)
    await rest.ports.records.accounts.update(person.id, {"status": "banned"})
    assert not await opens(rest, person.access)
    assert (await refreshed(rest, person.refresh)).status == 403
    assert (await logged_in(rest, "gone@example.org", PASSWORD)).status == 403
    assert (await logged_in(rest, "gone@example.org", OTHER)).status == 401


async def test_my_sessions_show_where_i_am_logged_in(rest: Rest, clock: MovableClock) -> None:
    person = await rest.register_email("list@example.org", PASSWORD)
    clock.move(60)
    other = (await logged_in(rest, "list@example.org", PASSWORD)).body["tokens"]
    items = (await person.get("/v1/me/sessions")).body["items"]
    assert [one["current"] for one in items] == [False, True]
    assert set(items[0]) == {"id", "created_at", "last_used_at", "current", "platform", "app_version"}
    clock.move(60)
    await refreshed(rest, person.refresh)
    items = (await person.get("/v1/me/sessions")).body["items"]
    assert [one["current"] for one in items] == [True, False]
    assert await opens(rest, other["access_token"])


async def test_a_session_that_cannot_be_refreshed_any_more_is_not_shown(
    rest: Rest, clock: MovableClock
) -> None:
    await rest.register_email("lapsed@example.org", PASSWORD)
    clock.move(rest.ports.settings.refresh_token_seconds + 1)
    tokens = (await logged_in(rest, "lapsed@example.org", PASSWORD)).body["tokens"]
    answer = await rest.ask("GET", "/v1/me/sessions", token=tokens["access_token"])
    assert [one["current"] for one in answer.body["items"]] == [True]


async def test_i_can_end_one_of_my_sessions_and_nobody_elses(rest: Rest, bob: Person) -> None:
    person = await rest.register_email("end@example.org", PASSWORD)
    other = (await logged_in(rest, "end@example.org", PASSWORD)).body["tokens"]
    items = (await person.get("/v1/me/sessions")).body["items"]
    theirs = next(one["id"] for one in items if not one["current"])
    assert (await bob.ask("DELETE", f"/v1/me/sessions/{theirs}")).error == (404, "not_found", None)
    assert await opens(rest, other["access_token"])
    assert (await person.ask("DELETE", f"/v1/me/sessions/{theirs}")).status == 204
    assert not await opens(rest, other["access_token"])
    assert (await refreshed(rest, other["refresh_token"])).status == 401
    assert await opens(rest, person.access)
    assert (await person.ask("DELETE", f"/v1/me/sessions/{theirs}")).error == (404, "not_found", None)
