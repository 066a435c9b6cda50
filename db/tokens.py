"""Access tokens: short-lived JWTs (RFC 7519, HS256) that name an account and its session, nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import jwt
import msgspec

from domain.errors import Unauthenticated
from domain.ids import new_id
from domain.ports import Claims
from domain.wire import Id

ALGORITHM, ISSUER, AUDIENCE, KIND = "HS256", "anonymous-support", "anonymous-support", "access"
TOKEN_CHARACTERS_MAX = 2048


class Signed(msgspec.Struct, frozen=True):
    """The claims we read. What is signed with our secret and says something else is no token of ours."""

    typ: str
    sub: Id
    sid: Id
    exp: Annotated[int, msgspec.Meta(ge=0, lt=253_402_300_800)]
    """Before the year 10000, where `datetime` ends."""


class AccessTokens:
    def __init__(self, secret: str, *, lifetime_seconds: int) -> None:
        self._secret = secret
        self._lifetime = timedelta(seconds=lifetime_seconds)

    def issue(self, account_id: str, session_id: str, now: datetime) -> str:
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "typ": KIND,
            "sub": account_id,
            "sid": session_id,
            "jti": new_id(),
            "iat": now,
            "exp": now + self._lifetime,
        }
        return jwt.encode(claims, self._secret, ALGORITHM)

    def verify(self, token: str, now: datetime) -> Claims:
        """Checks signature, algorithm, issuer, audience, kind and, by our own clock, expiry."""
        claims = self._decoded(token)
        expires_at = datetime.fromtimestamp(claims.exp, UTC)
        if claims.typ != KIND or expires_at <= now:
            raise Unauthenticated
        return Claims(claims.sub, claims.sid, expires_at)

    def _decoded(self, token: str) -> Signed:
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise Unauthenticated
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                options={
                    "require": ["iss", "aud", "typ", "sub", "sid", "iat", "exp"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
            return msgspec.convert(claims, Signed)
        except (jwt.InvalidTokenError, ValueError):
            raise Unauthenticated from None
