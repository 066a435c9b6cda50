"""What people said: the MongoDB side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from domain.checkins import CheckIn
    from domain.cravings import Craving
    from domain.pages import Cursor
    from domain.posts import Post, PostFilter, PostStatus
    from domain.responses import Response
    from domain.streaks import Mark
    from domain.voice_notes import VoiceNote


class Posts(Protocol):
    async def add(self, post: Post) -> Post:
        """The stored post: the original when this author already used this `client_id`."""

    async def get(self, id: str) -> Post | None: ...

    async def by_client_id(self, author_id: str, client_id: str) -> Post | None: ...

    async def page(self, wanted: PostFilter, after: Cursor | None, limit: int) -> list[Post]:
        """In the order of `wanted.sort`, what comes after the cursor; raises `Invalid` for a foreign one."""

    async def change(
        self, id: str, changes: dict[str, object], *, status: PostStatus | None = None
    ) -> Post | None:
        """The changed post; None without the post, or when it is not (any more) in `status`."""

    async def set_apart(self, ids: Sequence[str]) -> None: ...

    async def count_support(self, id: str, kind: str, change: int) -> Post | None: ...

    async def count_response(self, id: str, change: int) -> None: ...

    async def created_since(self, moment: datetime, limit: int) -> list[Post]:
        """Live posts made at or after `moment`, oldest first."""

    async def due_to_expire(self, now: datetime, limit: int) -> list[Post]:
        """Posts of any other status whose `expires_at` has come, the longest overdue first."""

    async def expire(self, id: str) -> None:
        """Takes away what was written and what moderation found in it; the counts stay."""

    async def withdraw(self, author_id: str) -> None:
        """As `expire`, for everything of an author at once."""

    async def erase(self, id: str, stand_in: str, rooms: Sequence[str]) -> bool:
        """Leaves an emptied post to the stand-in, for the counts; False when it has it already."""

    async def shift_counts(self, id: str, responses: int, supports: Mapping[str, int]) -> None:
        """Adds to the counters, beside whatever else moves them at the same time."""

    async def scanned(
        self, since: datetime, after: Cursor | None, limit: int
    ) -> list[tuple[Post, Sequence[str]]]:
        """Posts made since then, oldest first, with the actions their last scan called for."""


class Responses(Protocol):
    async def add(self, response: Response) -> tuple[Response, bool]:
        """The stored response and whether it is new."""

    async def get(self, id: str) -> Response | None: ...

    async def by_client_id(self, author_id: str, client_id: str) -> Response | None: ...

    async def page(
        self, post_id: str, after: Cursor | None, limit: int, *, without: Iterable[str] = ()
    ) -> list[Response]:
        """Live responses, oldest first."""

    async def from_authors(self, post_ids: Sequence[str], authors: Iterable[str]) -> list[str]:
        """The post id of every live response of these authors to these posts."""

    async def authors(self, post_id: str) -> list[str]:
        """The author of every live response to a post."""

    async def said_by(self, author_id: str, post_id: str) -> list[Response]:
        """Live responses of one author to a post, oldest first."""

    async def posts_of(self, author_id: str, limit: int) -> list[str]:
        """The posts of this author's newest responses."""

    async def created_since(self, moment: datetime, limit: int) -> list[Response]:
        """Live responses made at or after `moment`, oldest first."""

    async def scanned(
        self, since: datetime, after: Cursor | None, limit: int
    ) -> list[tuple[Response, Sequence[str]]]:
        """As `Posts.scanned`."""

    async def change(self, id: str, changes: dict[str, object], *, status: str = "live") -> Response | None:
        """The changed response; None when it is not (any more) in `status`."""

    async def counts(self, post_ids: Sequence[str]) -> dict[str, int]:
        """Live responses of each of these posts that has any."""

    async def thanked_counts(self, author_ids: Sequence[str]) -> dict[str, int]:
        """How often each of these authors was thanked for an answer, of those who were."""

    async def expire_thread(self, post_id: str) -> None:
        """Takes away what was written in answer to a post."""

    async def by_author(self, author_id: str, after: str | None, limit: int) -> list[Response]:
        """Newest first, those below the id `after`, whatever their status."""

    async def withdraw(self, author_id: str) -> None:
        """Takes away what an author wrote; what was live is `expired`, the rest `removed`."""

    async def delete(self, id: str) -> bool: ...


class Given(NamedTuple):
    """A quick support of one giver."""

    post_id: str
    kind: str
    at: datetime


class Supports(Protocol):
    async def add(self, post_id: str, giver_id: str, kind: str, at: datetime) -> bool:
        """False for a second tap of the same kind."""

    async def kinds_of(self, post_id: str, giver_id: str) -> list[str]: ...

    async def remove(self, post_id: str, giver_id: str, kind: str) -> bool: ...

    async def from_givers(self, post_ids: Sequence[str], givers: Iterable[str]) -> list[tuple[str, str]]:
        """(post id, kind) of every support these givers gave to these posts."""

    async def by_giver(self, giver_id: str, after: str, limit: int) -> list[Given]:
        """By post id, those of posts above `after` (all for an empty one)."""

    async def posts_of(self, giver_id: str, limit: int) -> list[str]:
        """The posts of this giver's newest supports."""

    async def counts(self, post_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        """Supports by kind of each of these posts that has any."""

    async def given_to(self, post_id: str) -> list[tuple[str, str]]:
        """(giver, kind) of every support to a post."""

    async def forget(self, post_id: str) -> None:
        """Deletes who gave what to a post; its counts are on the post."""


class CheckIns(Protocol):
    async def add(self, check_in: CheckIn) -> CheckIn:
        """The stored one: the original when its id is known."""

    async def get(self, id: str) -> CheckIn | None: ...

    async def count(self, tracker_id: str) -> int: ...

    async def marks(self, tracker_id: str) -> list[Mark]:
        """All check-ins and slips of a tracker, without what was written."""

    async def recorded(self, after: datetime, before: datetime, limit: int) -> list[CheckIn]:
        """What was learnt of in between, in that order."""

    async def page(self, account_id: str, after: str, limit: int) -> list[CheckIn]:
        """Of an account by id, those above `after` (all for an empty one)."""

    async def forget(self, account_id: str, limit: int) -> int:
        """Deletes some of an account's; returns how many."""


class Cravings(Protocol):
    async def add(self, craving: Craving) -> Craving:
        """The stored one: the original when its id is known."""

    async def get(self, id: str) -> Craving | None: ...

    async def since(self, account_id: str, moment: datetime, limit: int) -> list[Craving]:
        """At or after `moment`, the newest `limit` of them, newest first."""

    async def page(self, account_id: str, after: str, limit: int) -> list[Craving]:
        """As `CheckIns.page`."""

    async def forget(self, account_id: str, limit: int) -> int:
        """As `CheckIns.forget`."""


class VoiceNotes(Protocol):
    async def add(self, note: VoiceNote, audio: bytes) -> VoiceNote:
        """The stored note: the original when this author already used this `client_id`. Raises `Gone` for one
        that was forgotten meanwhile."""

    async def get(self, id: str) -> VoiceNote | None: ...

    async def by_client_id(self, author_id: str, client_id: str) -> VoiceNote | None: ...

    async def read(self, id: str, start: int, size: int) -> bytes:
        """That part of the sound, or what there is of it; raises `NotFound` without the note."""

    async def claim(self, claimed: VoiceNote) -> VoiceNote | None:
        """The note as claimed, by this answer or another that was first; None without it."""

    async def unsettled(self, before: datetime, limit: int) -> list[VoiceNote]:
        """Of which the sweep has to find out whether an answer has them, last touched before then; also
        what was never stored whole."""

    async def settle(self, id: str) -> None:
        """An answer has it: the sweep need not ask again."""

    async def drop(self, id: str, before: datetime) -> bool:
        """Deletes note and sound, unless it was touched since `before`."""

    async def forget_thread(self, post_id: str) -> None:
        """Deletes every note that was claimed in answer to a post."""

    async def of_author(self, author_id: str) -> list[VoiceNote]: ...

    async def forget(self, author_id: str, limit: int) -> int:
        """Deletes notes of this author, at most `limit`; returns how many."""


@dataclass(frozen=True)
class Content:
    """The MongoDB side."""

    posts: Posts
    responses: Responses
    supports: Supports
    checkins: CheckIns
    cravings: Cravings
    voice_notes: VoiceNotes
