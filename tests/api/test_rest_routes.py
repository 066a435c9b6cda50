"""Every route does what it is for."""

from rest_harness import Rest


async def test_an_anonymous_account_needs_nothing_and_gets_everything(rest: Rest) -> None:
    answer = await rest.ask("POST", "/v1/auth/register", {})
    assert answer.status == 201
    assert set(answer.body) == {"account", "tokens", "recovery_code"}
    assert answer.body["tokens"]["token_type"] == "Bearer"
    assert answer.body["account"]["has_email"] is False
    me = await rest.person(answer).get("/v1/me")
    assert (me.status, me.body) == (200, answer.body["account"])
