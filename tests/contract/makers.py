"""Rows and documents for contract tests, whole but for what a test is about."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.accounts import Account
from domain.circles import Circle
from domain.clock import utc_now
from domain.events import Event
from domain.ids import new_id
from domain.invitations import Invitation
from domain.points import Entry
from domain.ports import Ports
from domain.posts import Context, Post
from domain.responses import Response
from domain.rooms import FEED
from domain.sessions import RefreshToken, Session
from domain.voice_notes import VoiceNote

NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


class Makers:
    """Makes things; what is awaited is stored as well."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._numbers = itertools.count(1)

    def _number(self) -> int:
        return next(self._numbers)

    def id(self) -> str:
        """Ids in the order of their making, also within a millisecond."""
        return f"{self._number():08x}{new_id()[8:]}"

    async def account(self, **fields: Any) -> Account:
        account = self.new_account(**fields)
        await self._ports.records.accounts.add(account)
        return account

    def new_account(self, **fields: Any) -> Account:
        usual = {"id": new_id(), "handle": f"somebody-{self._number()}", "avatar": "owl"}
        return Account(**{**usual, "created_at": utc_now(), **fields})

    async def session(self, account_id: str) -> Session:
        session = Session(id=new_id(), account_id=account_id, created_at=utc_now())
        await self._ports.records.sessions.add(session)
        return session

    async def refresh_token(self, session: Session) -> RefreshToken:
        token = RefreshToken(
            token_hash=new_id().encode(),
            session_id=session.id,
            account_id=session.account_id,
            expires_at=utc_now() + timedelta(days=7),
        )
        await self._ports.records.sessions.add_refresh(token)
        return token

    async def circle(self, owner_id: str, *, creation_id: str | None = None, **fields: Any) -> Circle:
        usual: dict[str, Any] = {
            "id": new_id(),
            "name": "Early mornings",
            "description": "",
            "category": "alcohol",
        }
        usual |= {"max_members": 5, "is_private": False, "created_at": utc_now()}
        circle = Circle(**{**usual, **fields})
        await self._ports.records.circles.add(circle, owner_id, creation_id)
        return circle

    async def invitation(self, circle_id: str, inviter_id: str, **fields: Any) -> Invitation:
        usual: dict[str, Any] = {"id": self.id(), "account_id": None, "code_hash": None, "uses_max": 1}
        usual |= {"uses": 0, "created_at": utc_now(), "expires_at": utc_now() + timedelta(days=7)}
        invitation = Invitation(**{**usual, "circle_id": circle_id, "inviter_id": inviter_id, **fields})
        await self._ports.records.invitations.put(invitation)
        return invitation

    def entry(self, giver: Account, receiver: Account, **fields: Any) -> Entry:
        usual: dict[str, Any] = {"key": f"award-{self._number()}", "change": 3, "reason": "support"}
        usual |= {"post_id": new_id(), "kind": "text", "ref": new_id(), "created_at": NOON}
        return Entry(**{**usual, "account_id": giver.id, "receiver_id": receiver.id, **fields})

    def event(self, **fields: Any) -> Event:
        usual = {"id": new_id(), "name": "post:new", "at": utc_now(), "refs": {"post_id": new_id()}}
        return Event(**{**usual, **fields})

    def post(self, **fields: Any) -> Post:
        usual: dict[str, Any] = {
            "id": self.id(),
            "author_id": new_id(),
            "client_id": f"client-{self._number()}",
            "type": "check_in",
            "content": "Day 30.",
            "circle_id": None,
            "visibility": "public",
            "categories": ["alcohol"],
            "urgency": 2,
            "context": Context(days_since_slip=30, tags=["evening"]),
            "content_warning": None,
            "status": "live",
            "rooms": [FEED],
            "amplified": True,
            "created_at": NOON,
            "expires_at": NOON + timedelta(days=30),
        }
        return Post(**{**usual, **fields})

    async def stored_post(self, **fields: Any) -> Post:
        return await self._ports.content.posts.add(self.post(**fields))

    def response(self, post_id: str, **fields: Any) -> Response:
        usual: dict[str, Any] = {"id": self.id(), "author_id": new_id(), "type": "text", "status": "live"}
        usual |= {"client_id": f"client-{self._number()}", "content": "I am here.", "created_at": NOON}
        return Response(**{**usual, "post_id": post_id, **fields})

    async def stored_response(self, post_id: str, **fields: Any) -> Response:
        stored, _ = await self._ports.content.responses.add(self.response(post_id, **fields))
        return stored

    def voice_note(self, **fields: Any) -> VoiceNote:
        usual: dict[str, Any] = {"id": self.id(), "author_id": new_id(), "content_type": "audio/aac"}
        usual |= {"client_id": f"client-{self._number()}", "duration_seconds": 1.5, "bytes": 1200}
        return VoiceNote(**{**usual, "created_at": NOON, "touched_at": NOON, **fields})
