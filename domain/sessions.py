"""Sessions: registering, logging in, and refresh tokens that notice when they were stolen.

A session is a family of refresh tokens (RFC 9700 §4.14.2): each is used once, a second use after the
grace ends the whole family on every device that shares it. But for one: as long as nothing was made of what
it was exchanged for, the answer may have been lost on the way, and a token is exchanged once more.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec

from domain import accounts, audit, bans, guesses, held_handles
from domain.accounts import Account, Avatar, Email, Handle, OwnAccount, Password, User
from domain.errors import Conflict, DomainError, Forbidden, Unauthenticated
from domain.ids import new_id
from domain.ports import Ports, Records, Use
from domain.wire import END, Command, Country, View

EndReason = Literal["logged_out", "password_changed", "reuse", "banned", "erased"]
WRONG_LOGIN = "The name or the password is not right."
WRONG_RECOVERY = "The name or the recovery code is not right."
RECOVERY_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
RECOVERY_GROUPS, RECOVERY_GROUP_CHARACTERS = 6, 4
"""24 characters of 31: 118 bits, in groups that a person can copy by hand."""
FIRST_PASSWORD_WITHIN = timedelta(minutes=15)
"""Somebody who has just come chooses a password on the way in; later a token alone could lock them out."""

RECOVERED_AGAIN_WITHIN = timedelta(minutes=10)
"""The answer that had the new code may be lost on the way; the old code then still opens the account."""
RECOVERED_SESSIONS_MAX = 100
"""More retries than these do not come within the time."""

INVENTED_TRIES = 3
"""Of 360 million invented handles one in a hundred is taken when there are millions of accounts."""

Identifier = Annotated[str, msgspec.Meta(min_length=3, max_length=254, pattern=r"^[^\x00]+" + END)]
RefreshText = Annotated[str, msgspec.Meta(min_length=20, max_length=200)]


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `sessions`. It is used when it is refreshed and when a socket connects with it."""

    id: str
    account_id: str
    created_at: datetime
    last_used_at: datetime | None = None
    """None: never since it was opened."""
    platform: str | None = None
    app_version: str | None = None
    ended_at: datetime | None = None


class RefreshToken(msgspec.Struct, frozen=True, kw_only=True):
    """A refresh token as stored: the SHA-256 of its text, never the text.

    `session_ended` also when its account is banned or erased and the session itself has not ended yet.
    """

    token_hash: bytes
    session_id: str
    account_id: str
    expires_at: datetime
    used_at: datetime | None = None
    session_ended: bool = False
    end_reason: EndReason | None = None
    given_for: bytes | None = None
    """The hash of the token that was exchanged for it; None for the first of a family."""


class EndedSession(msgspec.Struct, frozen=True):
    session_id: str
    account_id: str
    reason: EndReason
    at: datetime


class Tokens(View, frozen=True):
    """`expires_in` in seconds, of the access token."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105  (the scheme of RFC 6750)


class Registered(View, frozen=True):
    account: OwnAccount
    tokens: Tokens
    recovery_code: str


class LoggedIn(View, frozen=True):
    account: OwnAccount
    tokens: Tokens


class RegisterAnonymous(Command, frozen=True):
    handle: Handle | None = None
    avatar: Avatar | None = None
    country: Country | None = None


class RegisterEmail(Command, frozen=True):
    email: Email
    password: Password
    handle: Handle | None = None
    avatar: Avatar | None = None
    country: Country | None = None


class LogIn(Command, frozen=True):
    """`identifier` is an e-mail address or a handle.

    `refresh_token`: the last one this phone had, if any; it opens nothing. Nobody who guesses at the name
    elsewhere then keeps this phone from logging in to the account it had."""

    identifier: Identifier
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    refresh_token: RefreshText | None = None


class Recover(Command, frozen=True):
    """Getting back in with the recovery code; every older session ends, and so does the old password.

    The code finds the account, and is too long to be guessed: attempts are counted by address alone, so that
    nobody keeps its person out. `handle` may be sent and is not needed: somebody may have forgotten it."""

    recovery_code: Annotated[str, msgspec.Meta(min_length=8, max_length=64)]
    handle: Handle | None = None
    new_password: Password | None = None


class Refresh(Command, frozen=True):
    refresh_token: RefreshText


class ChangePassword(Command, frozen=True):
    """Proof that it is the person and not just their token: the password, or the recovery code.

    An account without a password that was made just now needs none. A wrong one is `forbidden`: the session
    that asks is still good, so a client must not take it for ended."""

    new_password: Password
    current_password: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    recovery_code: Annotated[str, msgspec.Meta(max_length=64)] | None = None


async def register_anonymous(command: RegisterAnonymous, ports: Ports) -> Registered:
    account = accounts.new_account(
        ports, handle=command.handle, avatar=command.avatar, country=command.country
    )
    return await _register(account, command.handle, ports)


async def register_email(command: RegisterEmail, ports: Ports) -> Registered:
    account = accounts.new_account(
        ports, handle=command.handle, avatar=command.avatar, country=command.country
    )
    email = normal_email(command.email)
    sealed = msgspec.structs.replace(
        account,
        password_hash=await ports.passwords.hash(command.password),
        email_login=await email_login(email, command.password, ports),
        email_encrypted=ports.cipher.encrypt(email.encode(), context=account.id.encode()),
    )
    return await _register(sealed, command.handle, ports)


async def _register(account: Account, chosen: str | None, ports: Ports) -> Registered:
    """Who chose no handle is not refused for one that we invented and that is taken."""
    for _ in range(INVENTED_TRIES):
        try:
            return await _registered(account, ports)
        except Conflict as refusal:
            if chosen is not None or refusal.field != "handle":
                raise
        account = msgspec.structs.replace(account, handle=accounts.invented_handle())
    return await _registered(account, ports)


async def _registered(account: Account, ports: Ports) -> Registered:
    code = new_recovery_code()
    account = msgspec.structs.replace(account, recovery_hash=recovery_hash(code))
    async with ports.transaction() as tx:
        await tx.accounts.add(account)
        await held_handles.check_free(account.handle, account.id, tx, ports)
        tokens = await open_session(account, tx, ports)
        await audit.note("auth.registered", account.id, tx, ports)
    return Registered(account=accounts.own_view(account), tokens=tokens, recovery_code=code)


def normal_email(email: str) -> str:
    return email.strip().casefold()


async def email_login(email: str, password: str, ports: Ports) -> bytes:
    """What finds an account by address and password together, and by neither alone.

    An address that nobody confirmed must not be unique: registering it twice would tell a stranger that it
    is known here. So the index holds a keyed hash of (address, stretched password).
    """
    salt = ports.cipher.lookup(b"email-salt:" + email.encode())
    return ports.cipher.lookup(b"email-login:" + await ports.passwords.stretch(password, salt))


def new_recovery_code() -> str:
    groups = (
        "".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(RECOVERY_GROUP_CHARACTERS))
        for _ in range(RECOVERY_GROUPS)
    )
    return "-".join(groups)


def recovery_hash(code: str) -> str:
    """A plain hash is enough: the code is drawn at random with 118 bits, not chosen by a person."""
    kept = "".join(character for character in code.upper() if character.isalnum())
    return hashlib.sha256(kept.encode()).hexdigest()


async def counted_login(command: LogIn, ports: Ports) -> str:
    """By what an attempt is counted beside its address."""
    return guesses.counted_by(command.identifier, await _phone(command, ports))


async def counted_address(command: RegisterEmail, ports: Ports) -> str:
    """A taken pair of address and password is told: trying them is guessing."""
    return guesses.counted_by(command.email, None)


async def _phone(command: LogIn, ports: Ports) -> guesses.KnownPhone | None:
    if command.refresh_token is None:
        return None
    return await guesses.known_phone(command.identifier, refresh_hash(command.refresh_token), ports)


async def log_in(command: LogIn, ports: Ports) -> LoggedIn:
    """The same refusal, after the same work, whether the account exists or not.

    Only who knows the password of a banned account hears that it is banned.
    """
    account = await behind(command, ports)
    phone = await _phone(command, ports)
    if account is None or (phone and phone.account_id != account.id):
        raise Unauthenticated(WRONG_LOGIN)
    account = await bans.let_in(account, ports)
    if account.status != "active":
        raise Unauthenticated(WRONG_LOGIN)
    return await _logged_in(account, ports)


async def behind(command: LogIn, ports: Ports) -> Account | None:
    """The account, whatever its status, for the right password; as much work for a wrong one."""
    if "@" in command.identifier:
        return await _by_email(command, ports)
    return await _by_handle(command, ports)


async def _by_email(command: LogIn, ports: Ports) -> Account | None:
    key = await email_login(normal_email(command.identifier), command.password, ports)
    return await ports.records.accounts.by_email_login(key)


async def _by_handle(command: LogIn, ports: Ports) -> Account | None:
    """Handles are ASCII. PostgreSQL and Python fold other letters differently, and each spelling of a handle
    would have a limit of its own for guesses."""
    ascii_only = command.identifier.isascii()
    account = await ports.records.accounts.by_handle(command.identifier) if ascii_only else None
    matches = await ports.passwords.verify(command.password, account.password_hash if account else None)
    return account if matches else None


async def _logged_in(account: Account, ports: Ports) -> LoggedIn:
    """Not for a password that was changed while this one was checked: that ended every session."""
    same: dict[str, object] = {"password_hash": account.password_hash}
    async with ports.transaction() as tx:
        if not await tx.accounts.replace_password(account.id, account.password_hash, same):
            raise Unauthenticated(WRONG_LOGIN)
        tokens = await open_session(account, tx, ports)
        await audit.note("auth.logged_in", account.id, tx, ports)
    return LoggedIn(account=accounts.own_view(account), tokens=tokens)


async def recover(command: Recover, ports: Ports) -> Registered:
    """A used recovery code is replaced by a new one; a retry within a while is given another."""
    account = await recoverable(command.recovery_code, ports) or await _just_recovered(command, ports)
    if account is None:
        raise Unauthenticated(WRONG_RECOVERY)
    account = await bans.let_in(account, ports)
    if account.status != "active":
        raise Unauthenticated(WRONG_RECOVERY)
    return await _recovered(account, command, ports)


async def recoverable(code: str, ports: Ports) -> Account | None:
    """The account, whatever its status, that the recovery code is of.

    The code alone says which one: a thief who gave it another handle must not keep its person out.
    """
    return await ports.records.accounts.by_recovery(recovery_hash(code))


async def _just_recovered(command: Recover, ports: Ports) -> Account | None:
    """Not once the answer has arrived: its session has been used since it was opened."""
    since = ports.now() - RECOVERED_AGAIN_WITHIN
    account = await ports.records.accounts.by_recovered(recovery_hash(command.recovery_code), since)
    if account is None:
        return None
    opened = await ports.records.sessions.open(account.id, since, RECOVERED_SESSIONS_MAX)
    return None if any(one.last_used_at != one.created_at for one in opened) else account


async def _recovered(account: Account, command: Recover, ports: Ports) -> Registered:
    code = new_recovery_code()
    changes: dict[str, object] = {
        "recovery_hash": recovery_hash(code),
        **_remembered(account, recovery_hash(command.recovery_code), ports),
        # Who recovers may have lost the account to somebody else: the old password ends with the sessions.
        "password_hash": None,
        "email_login": None,
    }
    if command.new_password:
        changes |= await _password_changes(account, command.new_password, ports)
    async with ports.transaction() as tx:
        if not await tx.accounts.replace_recovery(account.id, account.recovery_hash or "", changes):
            raise Unauthenticated(WRONG_RECOVERY)
        await tx.sessions.end_all(account.id, "password_changed", ports.now())
        tokens = await open_session(account, tx, ports)
        await audit.note("auth.recovered", account.id, tx, ports)
    return Registered(account=accounts.own_view(account), tokens=tokens, recovery_code=code)


def _remembered(account: Account, used: str, ports: Ports) -> dict[str, object]:
    """A retry does not make its own time longer."""
    again = account.recovered_from == used
    return {"recovered_from": used, "recovered_at": account.recovered_at if again else ports.now()}


async def open_session(account: Account, tx: Records, ports: Ports) -> Tokens:
    session = Session(id=new_id(), account_id=account.id, created_at=ports.now())
    await tx.sessions.add(session)
    return await issue_tokens(session.id, account.id, tx, ports)


async def issue_tokens(
    session_id: str, account_id: str, tx: Records, ports: Ports, *, given_for: bytes | None = None
) -> Tokens:
    text = secrets.token_urlsafe(32)
    lifetime = timedelta(seconds=ports.settings.refresh_token_seconds)
    await tx.sessions.add_refresh(
        RefreshToken(
            token_hash=refresh_hash(text),
            session_id=session_id,
            account_id=account_id,
            expires_at=ports.now() + lifetime,
            given_for=given_for,
        )
    )
    return Tokens(
        access_token=ports.tokens.issue(account_id, session_id, ports.now()),
        refresh_token=text,
        expires_in=ports.settings.access_token_seconds,
    )


def refresh_hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


async def refresh(command: Refresh, ports: Ports) -> Tokens:
    """A new pair for a refresh token. One that is used again after the grace ends its family, unless the
    answer to its first use was lost: then a retry is given a pair, and the lost one opens nothing."""
    async with ports.transaction() as tx:
        token = await tx.sessions.lock_refresh(refresh_hash(command.refresh_token))
        if token is None or token.expires_at <= ports.now():
            raise Unauthenticated
        reused = stolen(token, ports)
        if token.session_ended:
            raise await _ended(token, reused, tx, ports)
        reused = reused and not await _answer_was_lost(token, tx, ports)
        if reused:
            await tx.sessions.end(token.session_id, "reuse", ports.now())
            await audit.note("auth.token_reused", token.account_id, tx, ports)
        else:
            await tx.sessions.mark_used(token.token_hash, ports.now())
            await tx.sessions.note_uses([Use(token.session_id, ports.now())])
            tokens = await issue_tokens(
                token.session_id, token.account_id, tx, ports, given_for=token.token_hash
            )
    if reused:
        raise Unauthenticated
    return tokens


async def _ended(token: RefreshToken, reused: bool, tx: Records, ports: Ports) -> DomainError:
    """The holder of the newest token of a session that a ban ended hears of the ban."""
    account = await tx.accounts.get(token.account_id)
    banned = account is not None and account.status == "banned" and token.end_reason in {None, "banned"}
    if account is None or reused or not banned or await bans.has_run_out(account, tx, ports):
        return Unauthenticated()
    return await bans.banned(account, tx, ports)


def stolen(token: RefreshToken, ports: Ports) -> bool:
    """True for a second use later than an honest parallel refresh would come."""
    grace = timedelta(seconds=ports.settings.refresh_grace_seconds)
    return token.used_at is not None and ports.now() - token.used_at > grace


async def _answer_was_lost(token: RefreshToken, tx: Records, ports: Ports) -> bool:
    """Whether a used token may be exchanged once more: nobody has used what it was exchanged for.

    Two who hold it are found out all the same: what the other one was given is void from now on, and ends
    the family when it is used.
    """
    since = ports.now() - timedelta(seconds=ports.settings.refresh_lost_seconds)
    if token.used_at is None or token.used_at < since:
        return False
    return await tx.sessions.exchange_again(token.token_hash, ports.now())


async def identify(access_token: str, ports: Ports) -> User:
    """The user behind a verified access token whose session is still open."""
    claims = ports.tokens.verify(access_token, ports.now())
    user = await ports.records.sessions.user_of(claims.session_id)
    if user is None or user.id != claims.account_id:
        raise Unauthenticated
    return user


async def log_out(user: User, ports: Ports) -> None:
    await ports.records.sessions.end(user.session_id, "logged_out", ports.now())


async def log_out_all(user: User, ports: Ports) -> None:
    async with ports.transaction() as tx:
        await tx.sessions.end_all(user.id, "logged_out", ports.now())
        await audit.note("auth.logged_out_everywhere", user.id, tx, ports)


async def change_password(command: ChangePassword, user: User, ports: Ports) -> Tokens:
    """Every session ends, this one too; the answer opens a new one."""
    account = await ports.records.accounts.get(user.id)
    if account is None:
        raise Unauthenticated
    await _check_proof(command, account, ports)
    changes = await _password_changes(account, command.new_password, ports)
    async with ports.transaction() as tx:
        if not await tx.accounts.replace_password(account.id, account.password_hash, changes):
            raise Conflict("The password was changed a moment ago on another device.")
        await tx.sessions.end_all(account.id, "password_changed", ports.now())
        tokens = await open_session(account, tx, ports)
        await audit.note("auth.password_changed", account.id, tx, ports)
    return tokens


async def _check_proof(command: ChangePassword, account: Account, ports: Ports) -> None:
    if command.recovery_code is not None:
        check_recovery_code(command.recovery_code, account)
    elif account.password_hash is not None:
        await check_password(command.current_password, account, ports)
    elif ports.now() - account.created_at > FIRST_PASSWORD_WITHIN:
        raise Forbidden("Please send the recovery code.", field="recovery_code")


def check_recovery_code(code: str, account: Account) -> None:
    if not secrets.compare_digest(account.recovery_hash or "", recovery_hash(code)):
        raise Forbidden("The recovery code is not right.", field="recovery_code")


async def check_password(password: str | None, account: Account, ports: Ports) -> None:
    """Refuses every password of an account that has none, after the same work."""
    right = await ports.passwords.verify(password or "", account.password_hash)
    if not right or account.password_hash is None:
        raise Forbidden("The current password is not right.", field="current_password")


async def _password_changes(account: Account, password: str, ports: Ports) -> dict[str, object]:
    changes: dict[str, object] = {"password_hash": await ports.passwords.hash(password)}
    if account.email_encrypted is not None:
        email = ports.cipher.decrypt(account.email_encrypted, context=account.id.encode()).decode()
        changes["email_login"] = await email_login(email, password, ports)
    return changes
