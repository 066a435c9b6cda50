"""Sessions: registering, logging in, recovering, and refresh tokens that notice theft."""

import asyncio

import pytest

from domain import accounts, sessions
from domain.accounts import EditAccount
from domain.errors import Banned, Conflict, Forbidden, Invalid, Unauthenticated
from domain.sessions import (
    ChangePassword,
    LogIn,
    Recover,
    Refresh,
    RegisterAnonymous,
    Registered,
    RegisterEmail,
    Tokens,
)
from tests.domain.world import World

EMAIL, PASSWORD = "Me@Example.org", "a long enough one"


async def registered(world: World, **fields: str) -> Registered:
    return await sessions.register_anonymous(RegisterAnonymous(**fields), world.ports)


async def with_email(world: World, email: str = EMAIL, password: str = PASSWORD) -> Registered:
    return await sessions.register_email(RegisterEmail(email=email, password=password), world.ports)


async def refreshed(world: World, tokens: Tokens) -> Tokens:
    return await sessions.refresh(Refresh(refresh_token=tokens.refresh_token), world.ports)


async def is_open(world: World, tokens: Tokens) -> bool:
    try:
        await sessions.identify(tokens.access_token, world.ports)
    except Unauthenticated:
        return False
    return True


async def test_registering_needs_nothing_and_gives_an_open_session(world: World) -> None:
    answer = await registered(world)
    user = await sessions.identify(answer.tokens.access_token, world.ports)
    assert user.id == answer.account.id
    assert (answer.account.role, answer.account.strength_points, answer.account.has_email) == (
        "user",
        0,
        False,
    )
    assert (answer.tokens.expires_in, answer.tokens.token_type) == (900, "Bearer")
    assert len(answer.recovery_code) == 29


async def test_what_was_chosen_is_kept(world: World) -> None:
    answer = await registered(world, handle="Quiet-Otter", avatar="owl", country="DE")
    assert (answer.account.handle, answer.account.avatar) == ("Quiet-Otter", "owl")
    assert (await sessions.identify(answer.tokens.access_token, world.ports)).country == "DE"


async def test_a_taken_handle_is_refused_and_leaves_nothing(world: World) -> None:
    await registered(world, handle="quiet-otter")
    with pytest.raises(Conflict) as refusal:
        await registered(world, handle="QUIET-OTTER")
    assert refusal.value.field == "handle"
    assert len(world.fakes.tables.accounts) == len(world.fakes.tables.sessions) == 1


async def test_an_invented_handle_that_is_taken_is_invented_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    handles = iter(["quiet-otter", "quiet-otter", "brave-wren"])
    monkeypatch.setattr(accounts, "invented_handle", lambda: next(handles))
    assert [(await registered(world)).account.handle for _ in range(2)] == ["quiet-otter", "brave-wren"]
    assert len(world.fakes.tables.sessions) == 2


async def test_an_address_is_stored_sealed_only(world: World) -> None:
    answer = await with_email(world)
    stored = world.fakes.tables.accounts[answer.account.id]
    assert answer.account.has_email
    assert b"example" not in repr(stored).lower().encode()
    sealed = stored.email_encrypted or b""
    assert world.ports.cipher.decrypt(sealed, context=stored.id.encode()) == b"me@example.org"


async def test_an_address_registered_again_with_another_password_tells_nothing(world: World) -> None:
    first = await with_email(world)
    second = await with_email(world, password="quite another one")
    assert first.account.id != second.account.id
    for account, password in ((first, PASSWORD), (second, "quite another one")):
        found = await sessions.log_in(LogIn(identifier=EMAIL.lower(), password=password), world.ports)
        assert found.account.id == account.account.id


async def test_login_by_handle_or_address_in_any_case(world: World) -> None:
    answer = await with_email(world)
    for identifier in (answer.account.handle.upper(), " me@EXAMPLE.org "):
        found = await sessions.log_in(LogIn(identifier=identifier, password=PASSWORD), world.ports)
        assert found.account.id == answer.account.id
        assert await is_open(world, found.tokens)


async def test_every_failed_login_is_refused_in_the_same_words(world: World) -> None:
    answer = await with_email(world)
    anonymous = await registered(world)
    banned = await with_email(world, "other@example.org")
    await world.ports.records.accounts.update(banned.account.id, {"status": "banned"})
    tries = [
        (answer.account.handle, "wrong"),
        ("me@example.org", "wrong"),
        ("nobody", PASSWORD),
        ("nobody@example.org", PASSWORD),
        (anonymous.account.handle, ""),
        (banned.account.handle, "wrong"),
    ]
    told = {await refused_login(world, identifier, password) for identifier, password in tries}
    assert told == {"The name or the password is not right."}


async def refused_login(world: World, identifier: str, password: str) -> str:
    with pytest.raises(Unauthenticated) as refusal:
        await sessions.log_in(LogIn(identifier=identifier, password=password), world.ports)
    return refusal.value.message


async def test_an_unknown_name_costs_as_much_as_a_wrong_password(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str | None] = []

    async def verify(password: str, hashed: str | None) -> bool:
        verified.append(hashed)
        return False

    monkeypatch.setattr(world.ports.passwords, "verify", verify)
    await refused_login(world, "nobody", PASSWORD)
    assert verified == [None]


async def test_the_recovery_code_works_once_in_any_spelling_and_ends_older_sessions(world: World) -> None:
    answer = await registered(world)
    code = answer.recovery_code.lower().replace("-", " ")
    back = await recovered(world, answer.account.handle, code)
    assert back.account.id == answer.account.id
    assert not await is_open(world, answer.tokens)
    assert await is_open(world, back.tokens)
    assert back.recovery_code != answer.recovery_code
    world.clock.advance(minutes=10)
    with pytest.raises(Unauthenticated):
        await recovered(world, answer.account.handle, answer.recovery_code)
    assert await recovered(world, answer.account.handle, back.recovery_code)


async def test_a_recovery_whose_answer_was_lost_is_asked_for_again(world: World) -> None:
    answer = await registered(world)
    lost = await recovered(world, answer.account.handle, answer.recovery_code)
    world.clock.advance(minutes=5)
    back = await recovered(world, answer.account.handle, answer.recovery_code)
    assert await is_open(world, back.tokens)
    assert not await is_open(world, lost.tokens)
    world.clock.advance(minutes=5)
    with pytest.raises(Unauthenticated):
        await recovered(world, answer.account.handle, answer.recovery_code)
    with pytest.raises(Unauthenticated):
        await recovered(world, answer.account.handle, lost.recovery_code)
    assert await recovered(world, answer.account.handle, back.recovery_code)


async def test_the_old_code_is_over_as_soon_as_the_new_session_is_used(world: World) -> None:
    answer = await registered(world)
    back = await recovered(world, answer.account.handle, answer.recovery_code)
    world.clock.advance(seconds=1)
    await refreshed(world, back.tokens)
    with pytest.raises(Unauthenticated):
        await recovered(world, answer.account.handle, answer.recovery_code)
    assert await is_open(world, back.tokens)


async def recovered(world: World, handle: str, code: str, password: str | None = None) -> Registered:
    command = Recover(handle=handle, recovery_code=code, new_password=password)
    return await sessions.recover(command, world.ports)


async def test_a_recovery_code_used_twice_at_once_leaves_one_session_open(world: World) -> None:
    answer = await registered(world)
    tries = (recovered(world, answer.account.handle, answer.recovery_code) for _ in range(3))
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    opened = [outcome.tokens for outcome in outcomes if isinstance(outcome, Registered)]
    assert sum([await is_open(world, tokens) for tokens in opened]) == 1
    assert all(isinstance(outcome, Registered | Unauthenticated) for outcome in outcomes)


async def test_a_password_set_while_recovering_opens_the_address_too(world: World) -> None:
    answer = await with_email(world)
    await recovered(world, answer.account.handle, answer.recovery_code, "the new password")
    found = await sessions.log_in(LogIn(identifier=EMAIL, password="the new password"), world.ports)
    assert found.account.id == answer.account.id
    await refused_login(world, EMAIL, PASSWORD)


@pytest.mark.parametrize("handle", ["nobody", "quiet-otter"])
async def test_a_wrong_code_and_an_unknown_name_are_refused_alike(world: World, handle: str) -> None:
    await registered(world, handle="quiet-otter")
    with pytest.raises(Unauthenticated, match="The name or the recovery code is not right"):
        await recovered(world, handle, "AAAA-BBBB-CCCC")


async def test_a_banned_account_is_not_recovered(world: World) -> None:
    answer = await registered(world)
    await world.ports.records.accounts.update(answer.account.id, {"status": "banned"})
    with pytest.raises(Banned):
        await recovered(world, answer.account.handle, answer.recovery_code)


async def test_a_refresh_gives_a_new_pair_of_the_same_session(world: World) -> None:
    answer = await registered(world)
    before = await sessions.identify(answer.tokens.access_token, world.ports)
    tokens = await refreshed(world, answer.tokens)
    assert tokens.refresh_token != answer.tokens.refresh_token
    assert (await sessions.identify(tokens.access_token, world.ports)).session_id == before.session_id


LOST_FOR_A_DAY = {"refresh_lost_seconds": 86_400}


async def test_honest_parallel_refreshes_within_the_grace_both_succeed(world: World) -> None:
    answer = await registered(world)
    both = await asyncio.gather(*(refreshed(world, answer.tokens) for _ in range(2)))
    world.clock.advance(seconds=10)
    third = await refreshed(world, answer.tokens)
    for tokens in (*both, third):
        assert await is_open(world, await refreshed(world, tokens))


async def test_a_refresh_token_used_again_after_the_grace_ends_its_family(world: World) -> None:
    answer = await registered(world)
    tokens = await refreshed(world, answer.tokens)
    newest = await refreshed(world, tokens)
    world.clock.advance(seconds=10.001)
    with pytest.raises(Unauthenticated):
        await refreshed(world, answer.tokens)
    for ended in (tokens, newest):
        with pytest.raises(Unauthenticated):
            await refreshed(world, ended)
        assert not await is_open(world, ended)
    assert set(world.fakes.tables.end_reasons.values()) == {"reuse"}


async def test_the_grace_counts_from_the_first_use(world: World) -> None:
    answer = await registered(world)
    given = []
    for _ in range(3):
        given.append(await refreshed(world, answer.tokens))
        world.clock.advance(seconds=4)
    await refreshed(world, given[1])
    with pytest.raises(Unauthenticated):
        await refreshed(world, answer.tokens)


@pytest.mark.parametrize("world", [LOST_FOR_A_DAY], indirect=True)
async def test_a_phone_whose_answer_was_lost_is_given_another(world: World) -> None:
    """As often as it comes back from a tunnel that it then enters again."""
    answer = await registered(world)
    for _ in range(3):
        tokens = await refreshed(world, answer.tokens)
        world.clock.advance(hours=5)
    tokens = await refreshed(world, answer.tokens)
    world.clock.advance(days=6)
    assert await is_open(world, await refreshed(world, tokens))


async def test_unless_it_is_wanted_a_lost_answer_is_given_again_within_the_grace_only(world: World) -> None:
    answer = await registered(world)
    tokens = await refreshed(world, answer.tokens)
    world.clock.advance(seconds=11)
    with pytest.raises(Unauthenticated):
        await refreshed(world, answer.tokens)
    assert not await is_open(world, tokens)


@pytest.mark.parametrize("world", [LOST_FOR_A_DAY], indirect=True)
async def test_an_answer_that_was_given_again_is_void_and_ends_the_family_when_it_is_used(
    world: World,
) -> None:
    """Somebody else has it: a thief who was first is found out as well as one who was second."""
    answer = await registered(world)
    first = await refreshed(world, answer.tokens)
    world.clock.advance(seconds=11)
    second = await refreshed(world, answer.tokens)
    with pytest.raises(Unauthenticated):
        await refreshed(world, first)
    assert not await is_open(world, second)
    assert set(world.fakes.tables.end_reasons.values()) == {"reuse"}


@pytest.mark.parametrize("world", [LOST_FOR_A_DAY], indirect=True)
async def test_parallel_retries_after_a_lost_answer_all_get_a_pair_that_lasts(world: World) -> None:
    answer = await registered(world)
    await refreshed(world, answer.tokens)
    world.clock.advance(hours=1)
    both = await asyncio.gather(*(refreshed(world, answer.tokens) for _ in range(2)))
    world.clock.advance(minutes=10)
    for tokens in both:
        assert await is_open(world, await refreshed(world, tokens))


@pytest.mark.parametrize("world", [LOST_FOR_A_DAY], indirect=True)
async def test_a_lost_answer_is_given_again_for_a_day(world: World) -> None:
    answer = await registered(world)
    await refreshed(world, answer.tokens)
    world.clock.advance(days=1, milliseconds=1)
    with pytest.raises(Unauthenticated):
        await refreshed(world, answer.tokens)
    assert set(world.fakes.tables.end_reasons.values()) == {"reuse"}


async def test_a_stolen_family_leaves_other_sessions_alone(world: World) -> None:
    answer = await with_email(world)
    other = await sessions.log_in(LogIn(identifier=EMAIL, password=PASSWORD), world.ports)
    await refreshed(world, await refreshed(world, answer.tokens))
    world.clock.advance(seconds=11)
    with pytest.raises(Unauthenticated):
        await refreshed(world, answer.tokens)
    assert await is_open(world, other.tokens)


async def test_a_refresh_token_ends_after_seven_days(world: World) -> None:
    answer = await registered(world)
    world.clock.advance(days=7, milliseconds=-1)
    later = await refreshed(world, answer.tokens)
    world.clock.advance(days=7)
    with pytest.raises(Unauthenticated):
        await refreshed(world, later)


async def test_an_access_token_ends_after_fifteen_minutes(world: World) -> None:
    answer = await registered(world)
    world.clock.advance(minutes=14, seconds=59)
    assert await is_open(world, answer.tokens)
    world.clock.advance(seconds=1)
    assert not await is_open(world, answer.tokens)


@pytest.mark.parametrize("kind", ["refresh token", "nonsense"])
async def test_a_refresh_token_is_no_access_token(world: World, kind: str) -> None:
    answer = await registered(world)
    text = answer.tokens.refresh_token if kind == "refresh token" else "nonsense"
    with pytest.raises(Unauthenticated):
        await sessions.identify(text, world.ports)


async def test_an_access_token_is_no_refresh_token(world: World) -> None:
    answer = await registered(world)
    with pytest.raises(Unauthenticated):
        await sessions.refresh(Refresh(refresh_token=answer.tokens.access_token), world.ports)


async def test_logging_out_ends_one_session_and_twice_changes_nothing(world: World) -> None:
    answer = await with_email(world)
    other = await sessions.log_in(LogIn(identifier=EMAIL, password=PASSWORD), world.ports)
    user = await sessions.identify(answer.tokens.access_token, world.ports)
    for _ in range(2):
        await sessions.log_out(user, world.ports)
    assert not await is_open(world, answer.tokens)
    assert await is_open(world, other.tokens)
    with pytest.raises(Unauthenticated):
        await refreshed(world, answer.tokens)


async def test_logging_out_everywhere_ends_every_session(world: World) -> None:
    answer = await with_email(world)
    other = await sessions.log_in(LogIn(identifier=EMAIL, password=PASSWORD), world.ports)
    await sessions.log_out_all(await sessions.identify(answer.tokens.access_token, world.ports), world.ports)
    assert not await is_open(world, answer.tokens)
    assert not await is_open(world, other.tokens)


async def test_a_new_password_ends_every_session_and_opens_one(world: World) -> None:
    answer = await with_email(world)
    user = await sessions.identify(answer.tokens.access_token, world.ports)
    command = ChangePassword(new_password="the new password", current_password=PASSWORD)
    tokens = await sessions.change_password(command, user, world.ports)
    assert not await is_open(world, answer.tokens)
    assert await is_open(world, tokens)
    for identifier in (EMAIL, answer.account.handle):
        await refused_login(world, identifier, PASSWORD)
        assert await sessions.log_in(LogIn(identifier=identifier, password="the new password"), world.ports)


async def test_a_new_password_needs_the_current_one(world: World) -> None:
    answer = await with_email(world)
    user = await sessions.identify(answer.tokens.access_token, world.ports)
    for current in (None, "wrong"):
        command = ChangePassword(new_password="the new password", current_password=current)
        with pytest.raises(Forbidden) as refusal:
            await sessions.change_password(command, user, world.ports)
        assert refusal.value.field == "current_password"
    assert await is_open(world, answer.tokens)


async def test_an_anonymous_account_may_set_its_first_password(world: World) -> None:
    answer = await registered(world)
    user = await sessions.identify(answer.tokens.access_token, world.ports)
    await sessions.change_password(ChangePassword(new_password=PASSWORD), user, world.ports)
    found = await sessions.log_in(LogIn(identifier=answer.account.handle, password=PASSWORD), world.ports)
    assert found.account.id == answer.account.id


async def test_a_token_alone_sets_no_first_password_later(world: World) -> None:
    answer = await registered(world)
    world.clock.advance(minutes=10)
    tokens = await refreshed(world, answer.tokens)
    world.clock.advance(minutes=6)
    user = await sessions.identify(tokens.access_token, world.ports)
    for code in (None, "ABCD-EFGH-JKMN", ""):
        stolen = ChangePassword(new_password=PASSWORD, recovery_code=code)
        with pytest.raises(Forbidden) as refusal:
            await sessions.change_password(stolen, user, world.ports)
        assert refusal.value.field == "recovery_code"
    assert await is_open(world, tokens)
    mine = ChangePassword(new_password=PASSWORD, recovery_code=answer.recovery_code)
    assert await is_open(world, await sessions.change_password(mine, user, world.ports))


async def test_the_recovery_code_is_proof_for_those_who_have_a_password_too(world: World) -> None:
    answer = await with_email(world)
    user = await sessions.identify(answer.tokens.access_token, world.ports)
    for code, current in (("ABCD-EFGH-JKMN", PASSWORD), ("", None)):
        wrong = ChangePassword(new_password="another one", recovery_code=code, current_password=current)
        with pytest.raises(Forbidden):
            await sessions.change_password(wrong, user, world.ports)
    right = ChangePassword(new_password="the new password", recovery_code=answer.recovery_code)
    assert await sessions.change_password(right, user, world.ports)


async def test_two_password_changes_at_once_do_not_overwrite_each_other(world: World) -> None:
    answer = await with_email(world)
    user = await sessions.identify(answer.tokens.access_token, world.ports)
    changes = (
        sessions.change_password(
            ChangePassword(new_password=f"the new one {n}", current_password=PASSWORD), user, world.ports
        )
        for n in range(2)
    )
    outcomes = await asyncio.gather(*changes, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {Tokens, Conflict}


@pytest.mark.parametrize("identifier", ["quiet-otter", EMAIL])
async def test_a_login_that_began_with_the_old_password_opens_nothing_after_a_change(
    world: World, identifier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = RegisterEmail(email=EMAIL, password=PASSWORD, handle="quiet-otter")
    answer = await sessions.register_email(command, world.ports)
    user = await sessions.identify(answer.tokens.access_token, world.ports)
    found_by = "by_email_login" if "@" in identifier else "by_handle"
    find = getattr(world.ports.records.accounts, found_by)

    async def found_before_the_change(key: object) -> accounts.Account | None:
        account: accounts.Account | None = await find(key)
        monkeypatch.undo()
        change = ChangePassword(new_password="the thief does not know", current_password=PASSWORD)
        await sessions.change_password(change, user, world.ports)
        return account

    monkeypatch.setattr(world.ports.records.accounts, found_by, found_before_the_change)
    with pytest.raises(Unauthenticated):
        await sessions.log_in(LogIn(identifier=identifier, password=PASSWORD), world.ports)


async def test_a_handle_has_one_spelling_to_guess_at(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def by_handle(handle: str) -> accounts.Account | None:
        asked.append(handle)
        return None

    monkeypatch.setattr(world.ports.records.accounts, "by_handle", by_handle)
    with pytest.raises(Unauthenticated):
        await sessions.log_in(LogIn(identifier="qu\u0130et-otter", password=PASSWORD), world.ports)
    assert asked == []


async def test_a_banned_account_has_no_open_session(world: World) -> None:
    answer = await registered(world)
    await world.ports.records.accounts.update(answer.account.id, {"status": "banned"})
    assert not await is_open(world, answer.tokens)
    with pytest.raises(Banned):
        await refreshed(world, answer.tokens)


async def test_an_account_is_edited_in_the_parts_that_were_sent(world: World) -> None:
    user = await world.person(handle="quiet-otter")
    edited = await accounts.edit_me(EditAccount(country="DE", timezone="Europe/Berlin"), user, world.ports)
    assert (edited.handle, edited.country, edited.timezone) == ("quiet-otter", "DE", "Europe/Berlin")
    edited = await accounts.edit_me(EditAccount(country=None, avatar="fox"), user, world.ports)
    assert (edited.country, edited.avatar, edited.timezone) == (None, "fox", "Europe/Berlin")
    assert await accounts.edit_me(EditAccount(), user, world.ports) == edited
    assert await accounts.get_me(user, world.ports) == edited


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "../../etc/passwd", "Europe/", "/etc/localtime", "localtime", "right/UTC"]
)
async def test_an_unknown_time_zone_is_refused(world: World, name: str) -> None:
    user = await world.person()
    with pytest.raises(Invalid) as refusal:
        await accounts.edit_me(EditAccount(timezone=name), user, world.ports)
    assert refusal.value.field == "timezone"


async def test_a_taken_handle_is_refused_while_editing(world: World) -> None:
    await world.person(handle="brave-wren")
    user = await world.person()
    with pytest.raises(Conflict):
        await accounts.edit_me(EditAccount(handle="Brave-Wren"), user, world.ports)


async def test_others_see_a_name_a_face_and_a_level(world: World) -> None:
    user = await world.person(strength_points=75)
    shown = await accounts.public_account(user.id, world.ports)
    assert set(shown.__struct_fields__) == {"id", "handle", "avatar", "level"}
    assert shown.level == 3


async def test_an_erased_account_keeps_a_neutral_face(world: World) -> None:
    gone = await world.person(handle="quiet-otter", status="active")
    await world.ports.records.accounts.update(gone.id, {"status": "erased"})
    (shown,) = (await accounts.public_accounts({gone.id}, world.ports)).values()
    assert (shown.handle, shown.level) == ("somebody", 0)


async def test_the_old_password_ends_with_a_recovery(world: World) -> None:
    answer = await with_email(world)
    await recovered(world, answer.account.handle, answer.recovery_code)
    for identifier in (EMAIL, answer.account.handle):
        await refused_login(world, identifier, PASSWORD)
