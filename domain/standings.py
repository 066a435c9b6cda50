"""Standings: what an account may not do for a while."""

from datetime import datetime, timedelta

import msgspec

from domain.errors import Forbidden


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What an account may not do for a while; None: nothing is held against it."""

    account_id: str
    muted_until: datetime | None = None
    slowed_until: datetime | None = None
    banned_until: datetime | None = None


def under_sanction(standing: Standing, now: datetime) -> bool:
    until = (standing.muted_until, standing.slowed_until, standing.banned_until)
    return any(moment is not None and moment > now for moment in until)


def check_not_muted(standing: Standing, now: datetime) -> None:
    if standing.muted_until is not None and standing.muted_until > now:
        minutes = -(-(standing.muted_until - now) // timedelta(minutes=1))
        raise Forbidden(f"You may write again in {minutes} minutes. An SOS you can send at any time.")


def is_slowed(standing: Standing, now: datetime) -> bool:
    return standing.slowed_until is not None and standing.slowed_until > now
