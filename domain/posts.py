"""Posts: what people say, from an SOS to a victory."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec

from domain import (
    access,
    activity,
    crisis,
    events,
    followups,
    for_me,
    ladder,
    limits,
    many_sos,
    moderation,
    naming,
    pages,
    rooms,
    shares,
    standings,
    trust,
)
from domain.accounts import PublicAccount, User, public_accounts
from domain.clock import rfc3339
from domain.errors import Forbidden, Invalid, NotFound, RateLimited
from domain.events import Event
from domain.ids import derived_id, new_id
from domain.jobs import Job
from domain.pages import Page
from domain.ports import Ports
from domain.text import accepted_text, storable_text
from domain.wire import ClientId, Command, Id, Lane, Slug, View

PostType = Literal["sos", "check_in", "victory", "question"]
PostStatus = Literal["live", "held", "hidden", "removed", "closed", "expired"]
"""`expired`: what was written is gone, the counts are kept; nobody sees it any more."""
Visibility = Literal["public", "circle", "private"]
Sort = Literal["recent", "urgent", "oldest_unanswered", "for_me"]
"""`for_me` is put together of the others; stores know these alone."""
Urgency = Annotated[int, msgspec.Meta(ge=1, le=5)]
SOS_URGENCY, USUAL_URGENCY = 5, 2
SOS_LIMIT_SECONDS = 0.5
"""An SOS does not wait longer to hear whether it is one too many: the counter may hang with its server."""


class Context(Command, frozen=True):
    """What the writer tells about the moment."""

    days_since_slip: Annotated[int, msgspec.Meta(ge=0, le=40_000)] | None = None
    time_of_day: Literal["morning", "afternoon", "evening", "night"] | None = None
    tags: Annotated[list[Slug], msgspec.Meta(max_length=10)] = []


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """A document of `posts`. `rooms` hear of it; `amplified` is False for an SOS beyond the hourly limit, of
    which its author's own phones hear and nobody else.
    """

    id: str
    author_id: str
    client_id: str
    type: PostType
    content: str
    circle_id: str | None
    visibility: Visibility
    categories: list[str]
    urgency: int
    context: Context
    content_warning: str | None
    status: PostStatus
    rooms: list[str]
    amplified: bool
    created_at: datetime
    expires_at: datetime
    edited_at: datetime | None = None
    responses: int = 0
    supports: dict[str, int] = {}
    apart: bool = False
    """Somebody who has blocks around them gave something: its counts are not the same for everybody."""


class Counts(View, frozen=True):
    responses: int
    supports: dict[str, int]


class PostView(View, frozen=True):
    id: str
    author: PublicAccount
    type: PostType
    content: str
    circle_id: str | None
    visibility: Visibility
    categories: list[str]
    urgency: int
    context: Context
    content_warning: str | None
    status: PostStatus
    counts: Counts
    created_at: str
    edited_at: str | None
    expires_at: str


class PostAnswer(View, frozen=True):
    """Ack data of the post events, and data of `post:new` and `post:changed`."""

    post: PostView


class PostCreated(View, frozen=True):
    post: PostView
    crisis: crisis.CrisisResources | None


class PostRemoved(View, frozen=True):
    """Data of `post:removed`."""

    post_id: str
    reason: str


class CreatePost(Command, frozen=True):
    client_id: ClientId
    type: PostType
    content: Annotated[str, msgspec.Meta(max_length=5000)]
    circle_id: Id | None = None
    visibility: Visibility = "public"
    categories: Annotated[list[Slug], msgspec.Meta(max_length=5)] = []
    urgency: Urgency | None = None
    context: Context = Context()
    content_warning: Annotated[str, msgspec.Meta(max_length=100)] | None = None


class EditUrgency(Command, frozen=True):
    post_id: Id
    urgency: Urgency


class ClosePost(Command, frozen=True):
    post_id: Id


class DeletePost(Command, frozen=True):
    post_id: Id


class PostFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which posts a page holds; an empty tuple or None asks nothing of that field.

    `in_categories`: in one of them at least.
    """

    room: str | None = None
    circle_id: str | None = None
    author_id: str | None = None
    statuses: tuple[PostStatus, ...] = ("live", "closed")
    without_authors: tuple[str, ...] = ()
    type: PostType | None = None
    category: str | None = None
    urgency_min: int | None = None
    unanswered: bool = False
    answered: bool = False
    but_type: PostType | None = None
    in_categories: tuple[str, ...] = ()
    not_in_categories: tuple[str, ...] = ()
    sort: Sort = "recent"


async def create_post(command: CreatePost, user: User, ports: Ports) -> PostCreated:
    """Stores and tells a post; a retry with the same `client_id` answers the original.

    An SOS is never refused for its rate.
    """
    post = await _stored(command, user, ports)
    await tell_of(post, ports)
    view = (await views_for(user, [post], ports))[0]
    return PostCreated(post=view, crisis=offered_help(command, user))


async def _stored(command: CreatePost, user: User, ports: Ports) -> Post:
    content = accepted_text(command.content, "content", characters_max=ports.settings.post_characters_max)
    original = await ports.content.posts.by_client_id(user.id, command.client_id)
    if original is not None:
        return original
    command = with_fit_labels(command)
    await _check_circle(command, user, ports)
    most = await _most_per_hour(command, content, user, ports)
    amplified = await _within_rate(command, most, user, ports)
    return await ports.content.posts.add(new_post(command, content, amplified, user, ports))


def with_fit_labels(command: CreatePost) -> CreatePost:
    """Refuses labels that nobody should read. An SOS loses them: nobody is sent back for a word then."""
    if command.type != "sos":
        naming.check_slugs(command.categories, "categories")
        naming.check_slugs(command.context.tags, "context.tags")
        return command
    tags = [tag for tag in command.context.tags if naming.is_fit(tag)]
    return msgspec.structs.replace(
        command,
        categories=[category for category in command.categories if naming.is_fit(category)],
        context=msgspec.structs.replace(command.context, tags=tags),
    )


async def _check_circle(command: CreatePost, user: User, ports: Ports) -> None:
    if command.visibility == "circle" and command.circle_id is None:
        raise Invalid("A post for a circle names its circle.", field="circle_id")
    if command.circle_id is None:
        return
    circles = ports.records.circles
    role = await circles.role_of(command.circle_id, user.id)
    circle = access.check_member(await circles.get(command.circle_id), role)
    if circle.is_private and command.visibility == "public":
        raise Invalid("What is said in a private circle stays in it.", field="visibility")


async def _most_per_hour(command: CreatePost, content: str, user: User, ports: Ports) -> int:
    """Refuses those who may not write now. Nothing that is held against anybody touches an SOS."""
    if command.type == "sos":
        return ports.settings.posts_per_hour
    said = f"{command.content_warning or ''}\n{content}"
    standing = await trust.check_may_speak(said, user, ports)
    slowed = standings.is_slowed(standing, ports.now())
    return ports.settings.slowed_posts_per_hour if slowed else ports.settings.posts_per_hour


async def _within_rate(command: CreatePost, most: int, user: User, ports: Ports) -> bool:
    """False for an SOS above the limit: it is kept, but neither told to everybody nor taken to helpers.

    Nothing else that was written counts against an SOS, and an SOS counts against nothing else.
    """
    if command.type != "sos":
        await limits.check("posts", user.id, most, limits.HOUR, ports)
        return True
    try:
        async with asyncio.timeout(SOS_LIMIT_SECONDS):
            await limits.check("posts:sos", user.id, most, limits.HOUR, ports)
    except RateLimited:
        return False
    except TimeoutError:
        pass
    return True


def new_post(command: CreatePost, content: str, amplified: bool, user: User, ports: Ports) -> Post:
    now = ports.now()
    return Post(
        id=new_id(),
        author_id=user.id,
        client_id=command.client_id,
        type=command.type,
        content=content,
        circle_id=command.circle_id,
        visibility=command.visibility,
        categories=command.categories,
        urgency=command.urgency or (SOS_URGENCY if command.type == "sos" else USUAL_URGENCY),
        context=command.context,
        content_warning=warning_of(command),
        status="live",
        rooms=home_rooms(command.visibility if amplified else "private", command.circle_id, user.id),
        amplified=amplified,
        created_at=now,
        expires_at=now + timedelta(days=ports.settings.post_expiry_days),
    )


def warning_of(command: CreatePost) -> str | None:
    """None also for a warning that says nothing."""
    return storable_text(command.content_warning or "", "content_warning") or None


def home_rooms(visibility: Visibility, circle_id: str | None, author_id: str) -> list[str]:
    """Where a post lives: nobody but its author hears of a private one."""
    if visibility == "private":
        return [rooms.user_room(author_id)]
    circle = [rooms.circle_room(circle_id)] if circle_id else []
    return circle if visibility == "circle" else [rooms.FEED, *circle]


async def tell_of(post: Post, ports: Ports) -> None:
    """Records and announces a new post. Its event id is derived: a retry after a crash tells it once."""
    event = Event(
        id=derived_id("post:new", post.id),
        name="post:new",
        at=post.created_at,
        refs={"post_id": post.id},
        actor=post.author_id,
    )
    jobs = [
        scan_job(post),
        activity.activity_job(post.author_id, post.type, post.id, post.created_at),
        *followups.jobs_of(post),
    ]
    async with ports.transaction() as tx:
        owed = await events.record(event, [*jobs, *await ladder.start(post, tx)], tx)
        called = await many_sos.call_people(post, tx)
    ports.announcer.announce(event, *called.told, jobs=[*owed, *called.owed])


def scan_job(post: Post) -> Job:
    """One SOS after the other of one person does not keep the urgent lane from others."""
    lane: Lane = "urgent" if post.amplified else "default"
    return Job(name="scan_post", args={"post_id": post.id}, key=f"scan_post:{post.id}", lane=lane)


def offered_help(command: CreatePost, user: User) -> crisis.CrisisResources | None:
    """Needs no store: whatever goes wrong for us, somebody in danger still gets the numbers."""
    if command.type != "sos" and not moderation.quick_check(command.content):
        return None
    return crisis.resources_for(user.country)


async def views_for(user: User, posts: Sequence[Post], ports: Ports) -> list[PostView]:
    """As this user sees them: what blocked people gave does not count."""
    blocked = await ports.records.blocks.around(user.id)
    return await post_views(await counted_without(blocked, posts, ports), ports)


async def counted_without(blocked: frozenset[str], posts: Sequence[Post], ports: Ports) -> Sequence[Post]:
    """The posts with counts that leave out what blocked people said and gave.

    For what one person asks for; what is told to many has its `shares`.
    """
    if not blocked or not posts:
        return posts
    ids = [post.id for post in posts]
    said = Counter(await ports.content.responses.from_authors(ids, blocked))
    given = Counter(await ports.content.supports.from_givers(ids, blocked))
    return [
        msgspec.structs.replace(
            post,
            responses=max(0, post.responses - said[post.id]),
            supports={kind: count - given[post.id, kind] for kind, count in post.supports.items()},
        )
        for post in posts
    ]


async def post_views(posts: Sequence[Post], ports: Ports) -> list[PostView]:
    faces = await public_accounts({post.author_id for post in posts}, ports)
    return [post_view(post, faces[post.author_id]) for post in posts]


def post_view(post: Post, author: PublicAccount) -> PostView:
    return PostView(
        id=post.id,
        author=author,
        type=post.type,
        content=post.content,
        circle_id=post.circle_id,
        visibility=post.visibility,
        categories=post.categories,
        urgency=post.urgency,
        context=post.context,
        content_warning=post.content_warning,
        status=post.status,
        counts=Counts(responses=post.responses, supports=shown(post.supports)),
        created_at=rfc3339(post.created_at),
        edited_at=rfc3339(post.edited_at) if post.edited_at else None,
        expires_at=rfc3339(post.expires_at),
    )


def shown(supports: dict[str, int]) -> dict[str, int]:
    return {kind: count for kind, count in supports.items() if count > 0}


async def visible_post(post_id: str, user: User, ports: Ports) -> Post:
    """The post, or `not_found` for what this user may not see."""
    post = await ports.content.posts.get(post_id)
    if post is None:
        raise NotFound
    role = await ports.records.circles.role_of(post.circle_id, user.id) if post.circle_id else None
    blocked = await ports.records.blocks.around(user.id)
    if not access.sees_post(post, user.id, role=role, blocked=blocked):
        raise NotFound
    return post


async def get_post(post_id: str, user: User, ports: Ports) -> PostView:
    post = await visible_post(post_id, user, ports)
    return (await views_for(user, [post], ports))[0]


async def feed(
    wanted: PostFilter, user: User, ports: Ports, *, cursor: str | None, limit: int
) -> Page[PostView]:
    """The public feed, without the posts of anybody blocked."""
    blocked = await ports.records.blocks.around(user.id)
    wanted = msgspec.structs.replace(wanted, room=rooms.FEED, without_authors=tuple(sorted(blocked)))
    return await _page(wanted, user, cursor, limit, ports)


async def circle_posts(
    circle_id: str, wanted: PostFilter, user: User, ports: Ports, *, cursor: str | None, limit: int
) -> Page[PostView]:
    role = await ports.records.circles.role_of(circle_id, user.id)
    access.check_member(await ports.records.circles.get(circle_id), role)
    blocked = await ports.records.blocks.around(user.id)
    wanted = msgspec.structs.replace(
        wanted, room=rooms.circle_room(circle_id), without_authors=tuple(sorted(blocked))
    )
    return await _page(wanted, user, cursor, limit, ports)


async def history(user: User, ports: Ports, *, cursor: str | None, limit: int) -> Page[PostView]:
    """What I wrote, held and hidden posts too."""
    wanted = PostFilter(author_id=user.id, statuses=("live", "closed", "held", "hidden"))
    return await _page(wanted, user, cursor, limit, ports)


async def _page(
    wanted: PostFilter, user: User, cursor: str | None, limit: int, ports: Ports
) -> Page[PostView]:
    after = pages.decode_cursor(cursor)
    if wanted.sort == "for_me":
        placed = await for_me.page(wanted, after, limit + 1, user, ports)
        found, end = [one.post for one in placed], for_me.position_of(placed[:limit]) if placed else []
    else:
        found = await ports.content.posts.page(wanted, after, limit + 1)
        end = sort_key(found[:limit][-1], wanted) if found else []
    views = await views_for(user, found[:limit], ports)
    return Page(items=views, next_cursor=pages.encode_cursor(end) if len(found) > limit else None)


def sort_key(post: Post, wanted: PostFilter) -> list[str | int]:
    """Where the next page begins."""
    return [post.urgency, post.id] if wanted.sort == "urgent" else [post.id]


async def edit_urgency(command: EditUrgency, user: User, ports: Ports) -> PostAnswer:
    post = await own_post(command.post_id, user, ports)
    access.check_answerable(post)
    most = ports.settings.post_changes_per_hour
    await limits.check("post_changes", user.id, most, limits.HOUR, ports)
    return await change_post(post, {"urgency": command.urgency, "edited_at": ports.now()}, user, ports)


async def close_post(command: ClosePost, user: User, ports: Ports) -> PostAnswer:
    """No more answers, still readable. Closing twice answers the same, and tells what the first did not."""
    post = await own_post(command.post_id, user, ports)
    if post.status != "closed":
        access.check_answerable(post)
        changed = await ports.content.posts.change(post.id, {"status": "closed"}, status=post.status)
        if changed is None:
            raise NotFound
        post = changed
    await _tell_closed(post, ports)
    return PostAnswer(post=(await views_for(user, [post], ports))[0])


async def _tell_closed(post: Post, ports: Ports) -> None:
    event = msgspec.structs.replace(
        _event("post:changed", post, {}, ports), id=derived_id("post:changed", post.id, "closed")
    )
    if await ports.records.outbox.missing([event.id]):
        async with ports.transaction() as tx:
            await events.record(event, [], tx)
        ports.announcer.announce(event)


async def delete_post(command: DeletePost, user: User, ports: Ports) -> PostAnswer:
    """A retry is `not_found`, and tells what was taken away before we died or PostgreSQL was away."""
    try:
        post = await own_post(command.post_id, user, ports)
    except NotFound:
        await _tell_deleted(command.post_id, user, ports)
        raise
    removed = await remove_post(post, ports)
    return PostAnswer(post=(await views_for(user, [removed], ports))[0])


async def _tell_deleted(post_id: str, user: User, ports: Ports) -> None:
    """The job says whether it was told."""
    post = await ports.content.posts.get(post_id)
    if post is None or (post.author_id, post.status) != (user.id, "removed"):
        return
    event = _event("post:removed", post, {"reason": "deleted"}, ports)
    async with ports.transaction() as tx:
        owed = await tx.jobs.add([_reversal(post)])
        told = [event] if owed else []
        await tx.outbox.add_many(told)
    ports.announcer.announce(*told, jobs=owed)


async def own_post(post_id: str, user: User, ports: Ports) -> Post:
    post = await visible_post(post_id, user, ports)
    if post.author_id != user.id:
        raise Forbidden
    return post


async def change_post(
    post: Post, changes: dict[str, object], user: User, ports: Ports, *, jobs: Sequence[Job] = ()
) -> PostAnswer:
    """Only of what is still as it was read: closing must not bring back what was hidden meanwhile."""
    changed = await ports.content.posts.change(post.id, changes, status=post.status)
    if changed is None:
        raise NotFound
    await _tell("post:changed", changed, {}, ports, jobs=jobs)
    return PostAnswer(post=(await views_for(user, [changed], ports))[0])


async def remove_post(post: Post, ports: Ports) -> Post:
    """Gone from every surface; what it earned is reversed by the job."""
    changed = await ports.content.posts.change(post.id, {"status": "removed"})
    await _tell("post:removed", post, {"reason": "deleted"}, ports, jobs=[_reversal(post)])
    return changed or post


def _reversal(post: Post) -> Job:
    args, key = {"post_id": post.id}, f"reverse_points:{post.id}"
    return Job(name="reverse_points", args=args, key=key, lane="default")


async def _tell(
    name: str, post: Post, refs: dict[str, str], ports: Ports, *, jobs: Sequence[Job] = ()
) -> None:
    event = _event(name, post, refs, ports)
    async with ports.transaction() as tx:
        owed = await events.record(event, jobs, tx)
    ports.announcer.announce(event, jobs=owed)


def _event(name: str, post: Post, refs: dict[str, str], ports: Ports) -> Event:
    refs = {"post_id": post.id, **refs}
    return Event(id=new_id(), name=name, at=ports.now(), refs=refs, actor=post.author_id)


@events.composes("post:new")
async def compose_new(event: Event, ports: Ports) -> events.Told | None:
    post = await ports.content.posts.get(event.refs["post_id"])
    if post is None or post.status != "live":
        return None
    return post.rooms, PostAnswer(post=(await post_views([post], ports))[0]), await shares.of(post, ports)


@events.composes("post:changed")
async def compose_changed(event: Event, ports: Ports) -> events.Told | None:
    post = await ports.content.posts.get(event.refs["post_id"])
    if post is None or post.status not in {"live", "closed"}:
        return None
    told = PostAnswer(post=(await post_views([post], ports))[0])
    return [*post.rooms, rooms.post_room(post.id)], told, await shares.of(post, ports)


@events.composes("post:removed")
async def compose_removed(event: Event, ports: Ports) -> tuple[list[str], object] | None:
    post = await ports.content.posts.get(event.refs["post_id"])
    if post is None:
        return None
    gone = PostRemoved(post_id=post.id, reason=event.refs["reason"])
    return [*post.rooms, rooms.post_room(post.id)], gone
