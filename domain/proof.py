"""Proof: what shows that an account is somebody's who has no session, because they are banned or lost it."""

from typing import Annotated

import msgspec

from domain import guesses, sessions
from domain.accounts import Account
from domain.errors import Unauthenticated
from domain.ports import Ports
from domain.sessions import Identifier, LogIn
from domain.wire import Command

WRONG_PROOF = "The name or the proof is not right."


class Proof(Command, frozen=True):
    """Password or recovery code. `identifier` is a handle, or with a password an e-mail address too."""

    identifier: Identifier
    current_password: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    recovery_code: Annotated[str, msgspec.Meta(max_length=64)] | None = None


async def counted_proof(proof: Proof, ports: Ports) -> str | None:
    """By what an attempt is counted beside its address: nobody guesses a recovery code."""
    return None if proof.recovery_code is not None else guesses.counted_by(proof.identifier, None)


async def proven(proof: Proof, ports: Ports) -> Account:
    """The account; a ban does not stand in the way. The same refusal, after the same work, whether it exists
    or not.
    """
    if proof.recovery_code is not None:
        account = await sessions.recoverable(proof.recovery_code, ports)
    else:
        login = LogIn(identifier=proof.identifier, password=proof.current_password or "")
        account = await sessions.behind(login, ports)
    if account is None or account.status == "erased":
        raise Unauthenticated(WRONG_PROOF)
    return account
