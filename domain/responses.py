"""Responses: what somebody says in answer to a post."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from domain import (
    access,
    activity,
    crisis,
    events,
    ladder,
    limits,
    moderation,
    pages,
    posts,
    rooms,
    shares,
    standings,
    trust,
    voice_notes,
)
from domain.accounts import PublicAccount, User, public_accounts
from domain.clock import rfc3339
from domain.errors import Conflict, Forbidden, Invalid, NotFound
from domain.events import Event
from domain.ids import derived_id, new_id
from domain.jobs import Job, Lane
from domain.pages import Page
from domain.ports import Ports, Records
from domain.posts import Post, PostView
from domain.text import accepted_text
from domain.voice_notes import VoiceNoteView, voice_note_view
from domain.wire import ClientId, Command, Id, View

ResponseType = Literal["text", "voice"]
ResponseStatus = Literal["live", "held", "hidden", "removed", "expired"]


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """A document of `responses`."""

    id: str
    post_id: str
    author_id: str
    client_id: str
    type: ResponseType
    content: str
    status: ResponseStatus
    created_at: datetime
    voice_note: VoiceNoteView | None = None
    thanked: bool = False


class ResponseView(View, frozen=True):
    id: str
    post_id: str
    author: PublicAccount
    type: ResponseType
    content: str
    voice_note: VoiceNoteView | None
    thanked: bool
    created_at: str


class ResponseAnswer(View, frozen=True):
    """Data of `response:new` and `response:changed`."""

    response: ResponseView


class Responded(View, frozen=True):
    """Ack data of `support:respond`; `crisis` when what was said calls for help for the one who said it."""

    response: ResponseView
    crisis: crisis.CrisisResources | None


class ResponseRemoved(View, frozen=True):
    """Data of `response:removed`."""

    post_id: str
    response_id: str
    reason: str


class Respond(Command, frozen=True):
    """A text says something in `content`, a voice in the note that was uploaded before."""

    client_id: ClientId
    post_id: Id
    type: ResponseType = "text"
    content: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    voice_note_id: Id | None = None


class DeleteResponse(Command, frozen=True):
    response_id: Id


class OpenPost(Command, frozen=True):
    post_id: Id
    position: rooms.Position | None = None


class LeavePost(Command, frozen=True):
    post_id: Id


class Thread(View, frozen=True):
    """Ack data of `post:open`: the thread as it is, and where its room log stands."""

    post: PostView
    responses: Page[ResponseView]
    mine: list[str]
    position: rooms.RoomState


async def respond(command: Respond, user: User, ports: Ports) -> Responded:
    """Stores and tells a response; a retry with the same `client_id` answers the original."""
    content = _content(command, ports)
    post = await posts.visible_post(command.post_id, user, ports)
    response = await _stored(command, content, post, user, ports)
    if response.post_id != post.id:
        raise Conflict("This was said in answer to another post.", field="client_id")
    await tell_of(response, post, ports)
    view = (await response_views([response], ports))[0]
    return Responded(response=view, crisis=offered_help(command, user))


def offered_help(command: Respond, user: User) -> crisis.CrisisResources | None:
    """Needs no store, as for posts: who answers may be in danger as well."""
    return crisis.resources_for(user.country) if moderation.quick_check(command.content) else None


async def _stored(command: Respond, content: str, post: Post, user: User, ports: Ports) -> Response:
    original = await ports.content.responses.by_client_id(user.id, command.client_id)
    if original is not None:
        return original
    access.check_answerable(post)
    most = await _most_per_hour(content, post, user, ports)
    await limits.check("responses", user.id, most, limits.HOUR, ports)
    stored, new = await ports.content.responses.add(await _new(command, content, post, user, ports))
    if new:
        await ports.content.posts.count_response(post.id, 1)
        await shares.note(post, await ports.records.blocks.around(user.id), ports)
    return stored


async def _new(command: Respond, content: str, post: Post, user: User, ports: Ports) -> Response:
    """A voice note is claimed first and names the response: should we die between, a retry makes the same."""
    note = None
    if command.voice_note_id is not None:
        note = await voice_notes.claim_voice_note(command.voice_note_id, command.client_id, post, user, ports)
    return Response(
        id=(note and note.response_id) or new_id(),
        post_id=post.id,
        author_id=user.id,
        client_id=command.client_id,
        type=command.type,
        content=content,
        status="live",
        created_at=ports.now(),
        voice_note=voice_note_view(note) if note else None,
    )


async def _most_per_hour(content: str, post: Post, user: User, ports: Ports) -> int:
    """Refuses those who may not write now; whoever sent an SOS can always talk to those who answer it."""
    if post.type == "sos" and post.author_id == user.id:
        return ports.settings.responses_per_hour
    standing = await trust.check_may_speak(content, user, ports)
    slowed = standings.is_slowed(standing, ports.now())
    return ports.settings.slowed_posts_per_hour if slowed else ports.settings.responses_per_hour


def _content(command: Respond, ports: Ports) -> str:
    if (command.type == "voice") != (command.voice_note_id is not None):
        raise Invalid("A voice response, and no other, names a voice note.", field="voice_note_id")
    if command.type == "voice":
        return _nothing(command.content)
    return accepted_text(command.content, "content", characters_max=ports.settings.response_characters_max)


def _nothing(content: str) -> str:
    if content.strip():
        raise Invalid("A voice response has no text.", field="content")
    return ""


async def tell_of(response: Response, post: Post, ports: Ports) -> None:
    event = Event(
        id=derived_id("response:new", response.id),
        name="response:new",
        at=response.created_at,
        refs={"post_id": post.id, "response_id": response.id},
        actor=response.author_id,
    )
    jobs = jobs_of(response, post, event.id)
    async with ports.transaction() as tx:
        owed = await events.record(event, jobs, tx)
        noted = await _note_answer(response, post, tx)
    ports.announcer.announce(event, *noted.told, jobs=[*owed, *noted.owed])


async def _note_answer(response: Response, post: Post, tx: Records) -> ladder.Noted:
    """A retry may come when the response is gone already."""
    if response.status != "live":
        return ladder.Noted([], [])
    return await ladder.note_answer(post, response.author_id, response.id, response.created_at, tx)


def scan_job(response: Response, lane: Lane) -> Job:
    """What may be a cry for help is read at once, wherever it was said."""
    args, key = {"response_id": response.id}, f"scan_response:{response.id}"
    pressing = moderation.quick_check(response.content)
    return Job(name="scan_response", args=args, key=key, lane="urgent" if pressing else lane)


def jobs_of(response: Response, post: Post, event_id: str) -> list[Job]:
    lane: Lane = "urgent" if post.type == "sos" else "default"
    jobs = [activity.activity_job(response.author_id, "response", response.id, response.created_at)]
    if response.type == "text":
        jobs.append(scan_job(response, lane))
    if response.author_id == post.author_id:
        return jobs
    score = Job(
        name="score_support",
        args={"post_id": post.id, "giver_id": response.author_id, "kind": response.type, "ref": response.id},
        key=f"score_support:{response.id}",
        lane="default",
    )
    notify = Job(
        name="notify",
        args={
            "account_id": post.author_id,
            "kind": "response",
            "event_id": event_id,
            "post_id": post.id,
            "actor_id": response.author_id,
        },
        key=f"notify:{post.author_id}:{event_id}",
        lane=lane,
    )
    return [*jobs, score, notify]


async def response_views(responses: Sequence[Response], ports: Ports) -> list[ResponseView]:
    faces = await public_accounts({response.author_id for response in responses}, ports)
    return [response_view(response, faces[response.author_id]) for response in responses]


def response_view(response: Response, author: PublicAccount) -> ResponseView:
    return ResponseView(
        id=response.id,
        post_id=response.post_id,
        author=author,
        type=response.type,
        content=response.content,
        voice_note=response.voice_note,
        thanked=response.thanked,
        created_at=rfc3339(response.created_at),
    )


async def post_responses(
    post_id: str, user: User, ports: Ports, *, cursor: str | None, limit: int
) -> Page[ResponseView]:
    """Oldest first, without what blocked people wrote."""
    post = await posts.visible_post(post_id, user, ports)
    blocked = await ports.records.blocks.around(user.id)
    found = await ports.content.responses.page(
        post.id, pages.decode_cursor(cursor), limit + 1, without=sorted(blocked)
    )
    views = await response_views(found[:limit], ports)
    more = len(found) > limit
    return Page(items=views, next_cursor=pages.encode_cursor([found[limit - 1].id]) if more else None)


async def open_thread(command: OpenPost, state: rooms.RoomState, user: User, ports: Ports) -> Thread:
    """The thread as it is now; `state` says where its room stood before it was read."""
    size = ports.settings.page_size
    post = await posts.get_post(command.post_id, user, ports)
    if post.type == "sos":
        await ladder.note_seen(post.id, user, ports)
    return Thread(
        post=post,
        responses=await post_responses(command.post_id, user, ports, cursor=None, limit=size),
        mine=sorted(await ports.content.supports.kinds_of(command.post_id, user.id)),
        position=state,
    )


async def delete_response(command: DeleteResponse, user: User, ports: Ports) -> None:
    """A retry is `not_found`, and tells what was taken away before we died or PostgreSQL was away."""
    response = await ports.content.responses.get(command.response_id)
    if response is None:
        raise NotFound
    if response.status == "removed":
        if response.author_id == user.id:
            await _tell_removed(response, ports)
        raise NotFound
    post = await posts.visible_post(response.post_id, user, ports)
    if response.author_id != user.id:
        raise Forbidden
    await remove_response(response, post, ports)


async def remove_response(response: Response, post: Post, ports: Ports) -> None:
    """Gone from the thread, its count taken back, its points reversed by the job."""
    changed = await ports.content.responses.change(response.id, {"status": "removed"}, status=response.status)
    if changed is None:
        return
    if response.status == "live":
        await ports.content.posts.count_response(post.id, -1)
    await _tell_removed(response, ports)


async def _tell_removed(response: Response, ports: Ports) -> None:
    """Once: the job says whether it was told."""
    event = Event(
        id=derived_id("response:removed", response.id),
        name="response:removed",
        at=ports.now(),
        refs={"post_id": response.post_id, "response_id": response.id, "reason": "deleted"},
        actor=response.author_id,
    )
    job = Job(
        name="reverse_points",
        args={"post_id": response.post_id, "ref": response.id},
        key=f"reverse_points:{response.id}",
        lane="default",
    )
    async with ports.transaction() as tx:
        owed = await tx.jobs.add([job])
        told = [event] if owed else []
        await tx.outbox.add_many(told)
        owed += await ladder.note_withdrawal(response.post_id, response.id, tx)
    ports.announcer.announce(*told, jobs=owed)


@events.composes("response:changed")
async def compose_changed(event: Event, ports: Ports) -> tuple[list[str], object] | None:
    """As `compose_new`; of a post that is out of sight its author alone hears, who was told the old words."""
    response = await ports.content.responses.get(event.refs["response_id"])
    post = await ports.content.posts.get(event.refs["post_id"])
    if response is None or post is None or response.status != "live":
        return None
    answer = ResponseAnswer(response=(await response_views([response], ports))[0])
    thread = [rooms.post_room(post.id)] if post.status in {"live", "closed"} else []
    return [*thread, rooms.user_room(post.author_id)], answer


@events.composes("response:new")
async def compose_new(event: Event, ports: Ports) -> tuple[list[str], object] | None:
    """Told in the thread, and to the author of the post wherever they are."""
    response = await ports.content.responses.get(event.refs["response_id"])
    post = await ports.content.posts.get(event.refs["post_id"])
    if response is None or post is None or response.status != "live" or post.status not in {"live", "closed"}:
        return None
    answer = ResponseAnswer(response=(await response_views([response], ports))[0])
    return [rooms.post_room(post.id), rooms.user_room(post.author_id)], answer


@events.composes("response:removed")
async def compose_removed(event: Event, ports: Ports) -> tuple[list[str], object] | None:
    post = await ports.content.posts.get(event.refs["post_id"])
    if post is None:
        return None
    gone = ResponseRemoved(
        post_id=post.id, response_id=event.refs["response_id"], reason=event.refs["reason"]
    )
    return [rooms.post_room(post.id), rooms.user_room(post.author_id)], gone
