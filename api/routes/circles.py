"""Circles: found, looked at, and looked after."""

from typing import Annotated

import msgspec

from api.route import Routes
from api.routes.pages import PageQuery
from api.routes.posts import PostsQuery
from domain import discovery, invitations, members, posts
from domain.accounts import User
from domain.circles import CircleView
from domain.invitations import Decline, InvitationView, ReceivedView, Revoke
from domain.members import BarView, LiftBar, MemberView
from domain.pages import Page
from domain.ports import Ports
from domain.posts import PostView
from domain.wire import Command, Id, Slug

routes = Routes()


class CirclesQuery(PageQuery, frozen=True):
    """`name` is a part of the name, in any case; `mine` leaves out the circles that I am not in."""

    category: Slug | None = None
    name: Annotated[str, msgspec.Meta(min_length=3, max_length=100)] | None = None
    mine: bool = False


class OneCircle(Command, frozen=True):
    circle_id: Id


class CirclePage(PageQuery, frozen=True, kw_only=True):
    circle_id: Id


class CirclePostsQuery(PostsQuery, frozen=True, kw_only=True):
    circle_id: Id


@routes.signed_in("GET", "/v1/circles")
async def list_circles(query: CirclesQuery, user: User, ports: Ports) -> Page[CircleView]:
    """Circles that everybody may join, and mine, newest first."""
    wanted = discovery.filter_of(query.category, query.name, query.cursor, mine=query.mine)
    return await discovery.list_circles(wanted, user, ports, limit=query.size(ports))


@routes.signed_in("GET", "/v1/circles/{circle_id}")
async def get_circle(query: OneCircle, user: User, ports: Ports) -> CircleView:
    """One circle; a private one is there for its members and for whom they invited."""
    return await discovery.get_circle(query.circle_id, user, ports)


@routes.signed_in("GET", "/v1/circles/{circle_id}/members")
async def list_members(query: CirclePage, user: User, ports: Ports) -> Page[MemberView]:
    """The members, for members: who joined first comes first, without blocked people."""
    size = query.size(ports)
    return await members.list_members(query.circle_id, user, ports, cursor=query.cursor, limit=size)


@routes.signed_in("GET", "/v1/circles/{circle_id}/posts")
async def circle_posts(query: CirclePostsQuery, user: User, ports: Ports) -> Page[PostView]:
    """The posts of a circle, in the orders of the feed."""
    size, wanted = query.size(ports), query.wanted()
    return await posts.circle_posts(query.circle_id, wanted, user, ports, cursor=query.cursor, limit=size)


@routes.signed_in("GET", "/v1/circles/{circle_id}/invitations")
async def list_invitations(query: CirclePage, user: User, ports: Ports) -> Page[InvitationView]:
    """Open invitations and join codes, newest first, for the owner and moderators."""
    size = query.size(ports)
    return await invitations.list_invitations(query.circle_id, user, ports, cursor=query.cursor, limit=size)


@routes.signed_in("DELETE", "/v1/circles/{circle_id}/invitations/{invitation_id}", status=204)
async def revoke_invitation(command: Revoke, user: User, ports: Ports) -> None:
    """Takes an invitation or a join code back."""
    await invitations.revoke(command, user, ports)


@routes.signed_in("GET", "/v1/circles/{circle_id}/bars")
async def list_bars(query: CirclePage, user: User, ports: Ports) -> Page[BarView]:
    """Who was removed and does not come back by themselves, for the owner and moderators."""
    size = query.size(ports)
    return await members.list_bars(query.circle_id, user, ports, cursor=query.cursor, limit=size)


@routes.signed_in("DELETE", "/v1/circles/{circle_id}/bars/{user_id}", status=204)
async def lift_bar(command: LiftBar, user: User, ports: Ports) -> None:
    """Lets somebody join again who was removed."""
    await members.lift_bar(command, user, ports)


@routes.signed_in("GET", "/v1/me/invitations")
async def my_invitations(query: PageQuery, user: User, ports: Ports) -> Page[ReceivedView]:
    """Invitations into circles that I can accept, newest first."""
    return await invitations.my_invitations(user, ports, cursor=query.cursor, limit=query.size(ports))


@routes.signed_in("DELETE", "/v1/me/invitations/{invitation_id}", status=204)
async def decline_invitation(command: Decline, user: User, ports: Ports) -> None:
    """Declines an invitation; nobody is told."""
    await invitations.decline(command, user, ports)
