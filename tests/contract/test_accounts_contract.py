"""What `domain.ports.Accounts` promises."""

from datetime import timedelta

import pytest

from domain.accounts import Account
from domain.clock import utc_now
from domain.errors import Conflict, NotFound
from domain.ids import new_id
from domain.ports import Ports
from tests.contract.makers import Makers


async def test_an_account_comes_back_as_it_was_stored(ports: Ports, make: Makers) -> None:
    account = await make.account(
        country="DE",
        timezone="Europe/Berlin",
        password_hash="p",
        recovery_hash="r",
        email_login=b"key",
        email_encrypted=b"sealed",
    )
    assert await ports.records.accounts.get(account.id) == account
    assert await ports.records.accounts.by_email_login(b"key") == account
    assert await ports.records.accounts.by_recovery("r") == account
    assert await ports.records.accounts.get(new_id()) is None
    assert await ports.records.accounts.by_email_login(b"other") is None
    assert await ports.records.accounts.by_recovery("") is None


async def test_a_handle_is_found_and_taken_without_regard_to_case(ports: Ports, make: Makers) -> None:
    account = await make.account(handle="Quiet-Otter")
    assert await ports.records.accounts.by_handle("qUIET-oTTER") == account
    assert await ports.records.accounts.by_handle("quiet") is None
    with pytest.raises(Conflict) as refusal:
        await make.account(handle="quiet-otter")
    assert refusal.value.field == "handle"


async def test_the_same_address_and_password_are_taken(make: Makers) -> None:
    await make.account(email_login=b"key")
    with pytest.raises(Conflict) as refusal:
        await make.account(email_login=b"key")
    assert refusal.value.field == "email"


async def test_accounts_without_an_address_do_not_conflict(make: Makers) -> None:
    first, second = await make.account(), await make.account()
    assert first.email_login is second.email_login is None


async def test_many_are_found_at_once_but_no_erased_one(ports: Ports, make: Makers) -> None:
    here, gone = await make.account(), await make.account(status="erased")
    found = await ports.records.accounts.get_many({here.id, gone.id, new_id()})
    assert found == {here.id: here}
    assert await ports.records.accounts.get_many([]) == {}


async def test_an_update_changes_what_it_names_and_answers_the_account(ports: Ports, make: Makers) -> None:
    account = await make.account(country="DE")
    changed = await ports.records.accounts.update(account.id, {"country": None, "avatar": "fox"})
    assert (changed.country, changed.avatar, changed.handle) == (None, "fox", account.handle)
    assert await ports.records.accounts.get(account.id) == changed


async def test_an_update_refuses_a_taken_handle_and_an_unknown_account(ports: Ports, make: Makers) -> None:
    taken, account = await make.account(handle="brave-wren"), await make.account()
    with pytest.raises(Conflict) as refusal:
        await ports.records.accounts.update(account.id, {"handle": "Brave-Wren"})
    assert refusal.value.field == "handle"
    assert (await ports.records.accounts.update(taken.id, {"handle": "BRAVE-wren"})).handle == "BRAVE-wren"
    with pytest.raises(NotFound):
        await ports.records.accounts.update(new_id(), {"avatar": "fox"})


async def test_a_password_is_replaced_only_while_it_is_the_expected_one(ports: Ports, make: Makers) -> None:
    account = await make.account()
    accounts = ports.records.accounts
    assert await accounts.replace_password(account.id, None, {"password_hash": "first"})
    assert not await accounts.replace_password(account.id, None, {"password_hash": "late"})
    assert await accounts.replace_password(account.id, "first", {"password_hash": "second"})
    stored = await accounts.get(account.id)
    assert stored is not None
    assert stored.password_hash == "second"
    assert not await accounts.replace_password(new_id(), None, {"password_hash": "x"})


async def test_an_account_is_found_by_the_code_it_was_just_recovered_with(ports: Ports, make: Makers) -> None:
    at = utc_now()
    account = await make.account()
    await ports.records.accounts.update(account.id, {"recovered_from": "used", "recovered_at": at})
    found = await ports.records.accounts.by_recovered("used", at - timedelta(seconds=1))
    assert found is not None
    assert (found.id, found.recovered_from) == (account.id, "used")
    assert await ports.records.accounts.by_recovered("used", at) is None
    assert await ports.records.accounts.by_recovered("another", at - timedelta(seconds=1)) is None


async def test_a_recovery_code_is_replaced_once(ports: Ports, make: Makers) -> None:
    account = await make.account(recovery_hash="old")
    replace = ports.records.accounts.replace_recovery
    assert await replace(account.id, "old", {"recovery_hash": "new", "password_hash": "p"})
    assert not await replace(account.id, "old", {"recovery_hash": "newer"})
    stored = await ports.records.accounts.get(account.id)
    assert stored is not None
    assert (stored.recovery_hash, stored.password_hash) == ("new", "p")


async def test_what_a_transaction_did_is_undone_when_it_raises(ports: Ports, make: Makers) -> None:
    account = make.new_account()
    with pytest.raises(Conflict):
        await add_in_one_transaction(ports, account, make.new_account(handle=account.handle))
    assert await ports.records.accounts.get(account.id) is None
    await add_in_one_transaction(ports, account)
    assert await ports.records.accounts.get(account.id) == account


async def add_in_one_transaction(ports: Ports, *accounts: Account) -> None:
    async with ports.transaction() as tx:
        for account in accounts:
            await tx.accounts.add(account)
