"""Circles, for their members."""

from api.route import Routes
from api.routes.posts import PostsQuery
from domain import posts
from domain.accounts import User
from domain.pages import Page
from domain.ports import Ports
from domain.posts import PostView
from domain.wire import Id

routes = Routes()


class CirclePostsQuery(PostsQuery, frozen=True, kw_only=True):
    circle_id: Id


@routes.signed_in("GET", "/v1/circles/{circle_id}/posts")
async def circle_posts(query: CirclePostsQuery, user: User, ports: Ports) -> Page[PostView]:
    """The posts of a circle, in the orders of the feed."""
    size, wanted = query.size(ports), query.wanted()
    return await posts.circle_posts(query.circle_id, wanted, user, ports, cursor=query.cursor, limit=size)
