"""What `domain.ports.Passwords`, `Tokens` and `Cipher` promise."""

from datetime import timedelta

import jwt
import pytest

from db.cipher import CipherError
from domain.errors import Unauthenticated
from domain.ids import new_id
from domain.ports import Ports
from tests.contract.makers import NOON
from tests.fakes.ports import SECRET

LIFETIME = timedelta(minutes=15)


async def test_a_password_opens_its_own_hash_only(ports: Ports) -> None:
    passwords = ports.passwords
    hashed = await passwords.hash("correct horse battery")
    assert "correct" not in hashed
    assert await passwords.verify("correct horse battery", hashed)
    assert not await passwords.verify("Correct horse battery", hashed)
    assert not await passwords.verify("correct horse battery", None)
    assert await passwords.hash("correct horse battery") != hashed


async def test_a_long_password_is_hashed_to_its_last_character(ports: Ports) -> None:
    hashed = await ports.passwords.hash("x" * 199 + "a")
    assert not await ports.passwords.verify("x" * 199 + "b", hashed)


async def test_stretching_depends_on_password_and_salt_alone(ports: Ports) -> None:
    stretch = ports.passwords.stretch
    salt, other = b"0" * 32, b"1" * 32
    assert await stretch("secret one", salt) == await stretch("secret one", salt)
    assert await stretch("secret one", salt) != await stretch("secret two", salt)
    assert await stretch("secret one", salt) != await stretch("secret one", other)


def test_a_token_names_account_and_session_until_it_expires(ports: Ports) -> None:
    account_id, session_id = new_id(), new_id()
    token = ports.tokens.issue(account_id, session_id, NOON)
    claims = ports.tokens.verify(token, NOON + LIFETIME - timedelta(seconds=1))
    assert (claims.account_id, claims.session_id) == (account_id, session_id)
    assert claims.expires_at == NOON.replace(microsecond=0) + LIFETIME
    with pytest.raises(Unauthenticated):
        ports.tokens.verify(token, NOON + LIFETIME)


FORGED = {
    "no expiry": lambda claims: {name: value for name, value in claims.items() if name != "exp"},
    "another kind": lambda claims: {**claims, "typ": "refresh"},
    "another issuer": lambda claims: {**claims, "iss": "somebody"},
    "another audience": lambda claims: {**claims, "aud": "somebody"},
    "no session": lambda claims: {name: value for name, value in claims.items() if name != "sid"},
    "a session that is no id": lambda claims: {**claims, "sid": "\x00"},
    "a session of another type": lambda claims: {**claims, "sid": [claims["sid"]]},
    "an expiry of another type": lambda claims: {**claims, "exp": str(claims["exp"])},
    "an expiry beyond time": lambda claims: {**claims, "exp": 10**18},
    "an expiry before time": lambda claims: {**claims, "exp": -(10**15)},
}


@pytest.mark.parametrize("name", FORGED)
def test_a_token_with_other_claims_is_refused(name: str, ports: Ports) -> None:
    token = ports.tokens.issue(new_id(), new_id(), NOON)
    claims = jwt.decode(token, options={"verify_signature": False})
    forged = jwt.encode(FORGED[name](claims), SECRET, "HS256")
    with pytest.raises(Unauthenticated):
        ports.tokens.verify(forged, NOON)


@pytest.mark.parametrize("algorithm", ["none", "HS512", "another key"])
def test_a_token_signed_in_another_way_is_refused(algorithm: str, ports: Ports) -> None:
    claims = jwt.decode(ports.tokens.issue(new_id(), new_id(), NOON), options={"verify_signature": False})
    key = {"none": "", "HS512": SECRET + SECRET}.get(algorithm, "another key than ours, just as long")
    forged = jwt.encode(claims, key, "HS256" if algorithm == "another key" else algorithm)
    with pytest.raises(Unauthenticated):
        ports.tokens.verify(forged, NOON)


@pytest.mark.parametrize("token", ["", "a.b.c", "....", "x" * 5000, "ä.ö.ü"])
def test_what_is_no_token_is_refused(token: str, ports: Ports) -> None:
    with pytest.raises(Unauthenticated):
        ports.tokens.verify(token, NOON)


def test_a_sealed_value_opens_in_its_own_context_only(ports: Ports) -> None:
    sealed = ports.cipher.encrypt(b"me@example.org", context=b"account-1")
    assert b"example" not in sealed
    assert ports.cipher.decrypt(sealed, context=b"account-1") == b"me@example.org"
    assert ports.cipher.encrypt(b"me@example.org", context=b"account-1") != sealed
    for changed in (sealed[:-1] + bytes([sealed[-1] ^ 1]), b"\x02" + sealed[1:], b""):
        with pytest.raises(CipherError):
            ports.cipher.decrypt(changed, context=b"account-1")
    with pytest.raises(CipherError):
        ports.cipher.decrypt(sealed, context=b"account-2")


def test_a_look_up_is_the_same_for_the_same_value(ports: Ports) -> None:
    lookup = ports.cipher.lookup
    assert lookup(b"me@example.org") == lookup(b"me@example.org") != lookup(b"you@example.org")
