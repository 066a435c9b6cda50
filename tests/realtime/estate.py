"""What a stranger may not see: one of everything, each with a canary in it."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from domain import (
    circles,
    devices,
    invitations,
    notifications,
    posts,
    reports,
    responses,
    trackers,
    voice_notes,
)
from domain.accounts import User
from domain.blocks import AddBlock, add_block
from domain.circles import CreateCircle, JoinCircle
from domain.devices import RegisterDevice
from domain.ids import new_id
from domain.invitations import Invite
from domain.ports import Ports
from domain.posts import CreatePost
from domain.reports import CreateReport
from domain.responses import Respond
from domain.trackers import CreateTracker
from domain.voice_notes import AddVoiceNote
from tests.recordings import recording

CANARY = "a canary sings"


class People(NamedTuple):
    """`owner` keeps everything from `stranger`; `blocker` blocked them; `friend` is in the owner's circle."""

    owner: User
    friend: User
    blocker: User
    stranger: User


@dataclass
class Estate:
    """Ids by what they are ids of."""

    ids: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, id: str) -> str:
        self.ids.setdefault(kind, []).append(id)
        return id


async def settled(people: People, ports: Ports) -> Estate:
    """Makes all of it, and waits until everything of it was told."""
    estate = Estate()
    circle_id = estate.add("circle", await private_circle(people, ports))
    await add_block(AddBlock(user_id=people.stranger.id), people.blocker, ports)
    for author, status, fields in hidden_posts(people, circle_id):
        await add_post(estate, author, status, fields, people, ports)
    await add_circle_papers(estate, circle_id, people, ports)
    await add_own_things(estate, people.owner, ports)
    await ports.announcer.drain()
    return estate


async def private_circle(people: People, ports: Ports) -> str:
    made = await circles.create_circle(
        CreateCircle(name="Night watch", description=CANARY), people.owner, ports
    )
    await circles.join_circle(JoinCircle(circle_id=made.circle.id), people.friend, ports)
    await ports.records.circles.edit(made.circle.id, {"is_private": True})
    return made.circle.id


def hidden_posts(people: People, circle_id: str) -> list[tuple[User, str, dict[str, Any]]]:
    """Author, status, and what else is said of posts that a stranger may not see, each for another reason."""
    return [
        (people.owner, "live", {"visibility": "circle", "circle_id": circle_id}),
        (people.owner, "live", {"visibility": "private"}),
        (people.owner, "held", {}),
        (people.owner, "hidden", {}),
        (people.owner, "removed", {}),
        (people.blocker, "live", {}),
        (people.blocker, "live", {"type": "sos"}),
    ]


async def add_post(
    estate: Estate, author: User, status: Any, fields: dict[str, Any], people: People, ports: Ports
) -> None:
    command = CreatePost(**{"client_id": new_id(), "type": "check_in", "content": CANARY, **fields})
    post_id = estate.add("post", (await posts.create_post(command, author, ports)).post.id)
    speaker = author if command.visibility == "private" else people.friend
    written = Respond(client_id=new_id(), post_id=post_id, content=CANARY)
    estate.add("response", (await responses.respond(written, speaker, ports)).response.id)
    note = AddVoiceNote(client_id=new_id(), audio=recording("voice.ogg"))
    note_id = estate.add("voice_note", (await voice_notes.add_voice_note(note, speaker, ports)).id)
    spoken = Respond(client_id=new_id(), post_id=post_id, type="voice", voice_note_id=note_id)
    estate.add("response", (await responses.respond(spoken, speaker, ports)).response.id)
    await ports.content.posts.change(post_id, {"status": status})


async def add_circle_papers(estate: Estate, circle_id: str, people: People, ports: Ports) -> None:
    for invited in (people.blocker.id, None):
        made = await invitations.invite(Invite(circle_id=circle_id, user_id=invited), people.owner, ports)
        estate.add("invitation", made.invitation.id)
    estate.add("member", people.friend.id)


async def add_own_things(estate: Estate, owner: User, ports: Ports) -> None:
    """What is somebody's own and shown to nobody else at all."""
    unheard = AddVoiceNote(client_id=new_id(), audio=recording("voice.ogg"))
    estate.add("voice_note", (await voice_notes.add_voice_note(unheard, owner, ports)).id)
    tracker = await trackers.create_tracker(CreateTracker(category="alcohol"), owner, ports)
    estate.add("tracker", tracker.id)
    device = RegisterDevice(platform="ios", token="ab" * 32)
    estate.add("device", (await devices.register_device(device, owner, ports)).id)
    estate.add("session", owner.session_id)
    await notifications.notify(owner.id, "digest", new_id(), None, ports)
    for told in await ports.records.notifications.page(owner.id, None, 10, without=[]):
        estate.add("notification", told.id)


async def add_case(estate: Estate, reporter: User, ports: Ports) -> None:
    (post_id, *_) = estate.ids["post"]
    report = CreateReport(target="post", target_id=post_id, reason="spam", note=CANARY)
    await reports.create_report(report, reporter, ports)
    for case in await ports.records.cases.queue(reporter.id, ports.now(), kind=None, after=None, limit=10):
        estate.add("case", case.id)
