"""The feed, posts and their threads."""

from msgspec.structs import replace

from api.route import Routes
from api.routes.pages import PageQuery
from domain import posts, responses
from domain.accounts import User
from domain.pages import Page
from domain.ports import Ports
from domain.posts import PostFilter, PostType, PostView, Sort, Urgency
from domain.responses import ResponseView
from domain.wire import Command, Id, Slug

routes = Routes()


class PostsQuery(PageQuery, frozen=True):
    """`urgency` is the least, `unanswered` leaves out what has a response."""

    type: PostType | None = None
    category: Slug | None = None
    urgency: Urgency | None = None
    unanswered: bool = False
    sort: Sort = "recent"

    def wanted(self) -> PostFilter:
        return PostFilter(
            type=self.type,
            category=self.category,
            urgency_min=self.urgency,
            unanswered=self.unanswered,
            sort=self.sort,
        )


class FeedQuery(PostsQuery, frozen=True):
    """`circle`: only what its members said to everybody."""

    circle: Id | None = None

    def wanted(self) -> PostFilter:
        return replace(super().wanted(), circle_id=self.circle)


class OnePost(Command, frozen=True):
    post_id: Id


class ThreadQuery(PageQuery, frozen=True, kw_only=True):
    post_id: Id


@routes.signed_in("GET", "/v1/feed")
async def feed(query: FeedQuery, user: User, ports: Ports) -> Page[PostView]:
    """The public feed, newest first unless `sort` says otherwise; without the posts of blocked people."""
    size = query.size(ports)
    return await posts.feed(query.wanted(), user, ports, cursor=query.cursor, limit=size)


@routes.signed_in("GET", "/v1/posts/{post_id}")
async def get_post(query: OnePost, user: User, ports: Ports) -> PostView:
    """One post, for those who may see it."""
    return await posts.get_post(query.post_id, user, ports)


@routes.signed_in("GET", "/v1/posts/{post_id}/responses")
async def get_responses(query: ThreadQuery, user: User, ports: Ports) -> Page[ResponseView]:
    """The responses to a post, oldest first."""
    size = query.size(ports)
    return await responses.post_responses(query.post_id, user, ports, cursor=query.cursor, limit=size)
