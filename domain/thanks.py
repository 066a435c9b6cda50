"""Thanks: the author of a post says that an answer helped. Trust is made of them."""

from domain import access, events, posts
from domain.accounts import User
from domain.errors import Forbidden, NotFound
from domain.events import Event
from domain.ids import derived_id
from domain.jobs import Job
from domain.ports import Ports
from domain.responses import Response
from domain.rooms import user_room
from domain.trust import Thank
from domain.wire import Command, Id, View


class ThankResponse(Command, frozen=True):
    response_id: Id


class Thanked(View, frozen=True):
    """Ack data of `support:thank`, and data of `support:thanked`."""

    post_id: str
    response_id: str
    thanked: bool = True


async def thank(command: ThankResponse, user: User, ports: Ports) -> Thanked:
    """The author of a post says that an answer helped; saying it again changes nothing."""
    response = await ports.content.responses.get(command.response_id)
    if response is None or response.status != "live":
        raise NotFound
    post = await posts.visible_post(response.post_id, user, ports)
    access.check_owner(post.author_id, user)
    if response.author_id in await ports.records.blocks.around(user.id):
        raise NotFound
    if response.author_id == user.id:
        raise Forbidden("This answer is your own.")
    await _thank(response, user, ports)
    return Thanked(post_id=post.id, response_id=response.id)


async def _thank(response: Response, user: User, ports: Ports) -> None:
    given = Thank(
        response_id=response.id,
        post_id=response.post_id,
        helper_id=response.author_id,
        thanker_id=user.id,
        at=ports.now(),
    )
    event = thanked_event(given)
    async with ports.transaction() as tx:
        await tx.thanks.add(given)
        owed = await events.record(event, [notify_job(given, event)], tx)
    await ports.content.responses.change(response.id, {"thanked": True})
    ports.announcer.announce(event, jobs=owed)


def thanked_event(given: Thank) -> Event:
    refs = {"post_id": given.post_id, "response_id": given.response_id, "helper_id": given.helper_id}
    return Event(
        id=derived_id("support:thanked", given.response_id),
        name="support:thanked",
        at=given.at,
        refs=refs,
        actor=given.thanker_id,
    )


def notify_job(given: Thank, event: Event) -> Job:
    return Job(
        name="notify",
        args={
            "account_id": given.helper_id,
            "kind": "thanks",
            "event_id": event.id,
            "post_id": given.post_id,
            "actor_id": given.thanker_id,
        },
        key=f"notify:{given.helper_id}:{event.id}",
        lane="default",
    )


@events.composes("support:thanked")
async def compose_thanked(event: Event, ports: Ports) -> tuple[list[str], object] | None:
    response = await ports.content.responses.get(event.refs["response_id"])
    if response is None or response.status != "live":
        return None
    told = Thanked(post_id=event.refs["post_id"], response_id=response.id)
    return [user_room(event.refs["helper_id"])], told
