"""A small world on fakes: people, what they are told, and the jobs that are owed."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any, cast

import msgspec

from domain import (
    activity,
    blocks,
    cases,
    circles,
    digest,
    echoes,
    enforcement,
    erasure,
    followups,
    ladder,
    listening,
    notifications,
    posts,
    pushing,
    responses,
    scanning,
    sessions,
    shares,
    support,
    trackers,
    voice_notes,
)
from domain.accounts import User
from domain.blocks import AddBlock
from domain.circles import CircleView, CreateCircle, JoinCircle
from domain.ids import new_id
from domain.jobs import Job, Lane
from domain.notifications import About, NotificationKind
from domain.ports import Ports
from domain.posts import CreatePost, Post, PostView
from domain.responses import Respond, ResponseView
from domain.rooms import user_room
from domain.sessions import RegisterAnonymous
from domain.support import GiveSupport, QuickKind
from domain.voice_notes import AddVoiceNote, VoiceNoteView
from tests.fakes.ports import Fakes, make_fakes
from tests.recordings import recording

Run = Callable[[dict[str, str], Ports], Awaitable[object]]


async def notify(args: dict[str, str], ports: Ports) -> None:
    kind = cast(NotificationKind, args["kind"])
    actor_id = args.get("actor_id") or None
    post_id = args["post_id"] or None
    await notifications.notify(args["account_id"], kind, args["event_id"], post_id, ports, actor_id=actor_id)


async def notify_many(args: dict[str, str], ports: Ports) -> None:
    about = About(
        kind=msgspec.convert(args["kind"], NotificationKind),
        event_id=args["event_id"],
        post_id=args["post_id"] or None,
        actor_id=args["actor_id"] or None,
    )
    lane = msgspec.convert(args["push_lane"], Lane)
    await notifications.notify_many(about, args["account_ids"].split(","), ports, push_lane=lane)


async def record_activity(args: dict[str, str], ports: Ports) -> None:
    at = datetime.fromisoformat(args["at"])
    await activity.record_activity(args["account_id"], args["kind"], args["ref"], at, ports)


async def score(args: dict[str, str], ports: Ports) -> None:
    await support.score_support(args["post_id"], args["giver_id"], args["kind"], args["ref"], ports)


async def echo(args: dict[str, str], ports: Ports) -> None:
    refs = {name: args[name] for name in ("post_id", "response_id", "reason") if name in args}
    await echoes.echo(args["name"], args["event_id"], args["author_id"], refs, ports)


async def send_digest(args: dict[str, str], ports: Ports) -> None:
    await digest.send_digest(args["account_id"], date.fromisoformat(args["monday"]), ports)


RUNS: dict[str, Run] = {
    "echo": echo,
    "erase_account": lambda args, ports: erasure.erase_account(args["receipt_id"], ports),
    "send_digest": send_digest,
    "notify": notify,
    "notify_many": notify_many,
    "push": lambda args, ports: pushing.push(args["notification_id"], ports),
    "record_activity": record_activity,
    "score_support": score,
    "reverse_points": lambda args, ports: support.settle_points(args["post_id"], args.get("ref"), ports),
    "restore_points": lambda args, ports: support.bring_back_points(args["post_id"], args.get("ref"), ports),
    "apply_decision": lambda args, ports: enforcement.apply_decision(args["decision_id"], ports),
    "rescan_post": lambda args, ports: scanning.scan_post(args["post_id"], ports, cause=args["cause"]),
    "rescan_response": lambda args, ports: scanning.scan_response(
        args["response_id"], ports, cause=args["cause"]
    ),
    "set_apart": lambda args, ports: shares.set_apart(args["one"], args["other"], ports),
    "call_moderators": lambda args, ports: cases.call_moderators(args["case_id"], args["event_id"], ports),
    "celebrate": lambda args, ports: trackers.celebrate(
        args["tracker_id"], int(args["days"]), args["event_id"], ports
    ),
    "climb": lambda args, ports: ladder.climb(args["post_id"], int(args["step"]), ports),
    "revisit_sos": lambda args, ports: ladder.revisit(args["post_id"], ports),
    "measure_answer": lambda args, ports: ladder.measure_answer(args["post_id"], ports),
    "follow_up": lambda args, ports: followups.follow_up(args["post_id"], int(args["number"]), ports),
    "hold_unheard": lambda args, ports: listening.hold_unheard(args["response_id"], args["case_id"], ports),
    "scan_post": lambda args, ports: scanning.scan_post(args["post_id"], ports),
    "scan_response": lambda args, ports: scanning.scan_response(args["response_id"], ports),
}


class World:
    """Short words for what many tests begin with."""

    def __init__(self, **settings: Any) -> None:
        self.fakes: Fakes = make_fakes(**settings)
        self.ports = self.fakes.ports
        self.clock = self.fakes.clock

    async def person(self, **fields: Any) -> User:
        """Somebody with an account and an open session."""
        registered = await sessions.register_anonymous(RegisterAnonymous(), self.ports)
        if fields:
            await self.ports.records.accounts.update(registered.account.id, fields)
        return await sessions.identify(registered.tokens.access_token, self.ports)

    async def circle(self, owner: User, *members: User, **fields: Any) -> CircleView:
        command = CreateCircle(**{"name": "Early mornings", **fields, "is_private": False})
        circle = (await circles.create_circle(command, owner, self.ports)).circle
        for member in members:
            await circles.join_circle(JoinCircle(circle_id=circle.id), member, self.ports)
        if fields.get("is_private"):
            self._make_private(circle.id)
        return circle

    def _make_private(self, circle_id: str) -> None:
        """Once its members are in: nobody joins a private circle uninvited."""
        stored = self.fakes.tables.circles[circle_id]
        self.fakes.tables.circles[circle_id] = msgspec.structs.replace(stored, is_private=True)

    async def post(self, author: User, **fields: Any) -> PostView:
        post = (await posts.create_post(new_post(**fields), author, self.ports)).post
        await self.ports.announcer.drain()
        return post

    async def stored(self, post_id: str) -> Post:
        post = await self.ports.content.posts.get(post_id)
        assert post is not None
        return post

    async def answer(self, author: User, post: PostView, **fields: Any) -> ResponseView:
        usual = {"client_id": new_id(), "content": "I am here.", "post_id": post.id}
        command = Respond(**{**usual, **fields})
        return (await responses.respond(command, author, self.ports)).response

    async def voice_note(self, author: User, **fields: Any) -> VoiceNoteView:
        """A note that is uploaded and in no answer yet."""
        command = AddVoiceNote(**{"client_id": new_id(), "audio": recording("voice.ogg"), **fields})
        return await voice_notes.add_voice_note(command, author, self.ports)

    async def speak(self, author: User, post: PostView, **fields: Any) -> ResponseView:
        """An answer by voice."""
        note = await self.voice_note(author)
        return await self.answer(author, post, type="voice", content="", voice_note_id=note.id, **fields)

    async def tap(self, giver: User, post: PostView, kind: QuickKind = "been_there") -> dict[str, int]:
        """The counts after it."""
        command = GiveSupport(post_id=post.id, kind=kind)
        return (await support.give_support(command, giver, self.ports)).counts

    async def block(self, blocker: User, blocked: User) -> None:
        await blocks.add_block(AddBlock(user_id=blocked.id), blocker, self.ports)

    async def told(self, room: str) -> list[dict[str, Any]]:
        """The envelopes in a room's log, with the event's name, once everything announced was told."""
        await self.ports.announcer.drain()
        log = await self.ports.rooms.read(room, 0, 1000)
        return [{**msgspec.json.decode(event.body), "event": event.event} for event in log.events]

    async def names(self, room: str) -> list[str]:
        return [envelope["event"] for envelope in await self.told(room)]

    async def news(self, user: User, event: str) -> list[Any]:
        """The data of every such event in somebody's own room."""
        return [told["data"] for told in await self.told(user_room(user.id)) if told["event"] == event]

    def owed(self, name: str) -> list[Job]:
        return [held.job for held in self.fakes.queue.held.values() if held.job.name == name]

    async def work(self, *names: str, times: int = 1) -> int:
        """Runs the jobs of these names that are due, or all; returns how many there were."""
        await self.ports.announcer.drain()
        due = [held.job for held in self.fakes.queue.held.values() if held.due_at <= self.clock()]
        jobs = [job for job in due if not names or job.name in names]
        for job in jobs:
            for _ in range(times):
                await RUNS[job.name](job.args, self.ports)
            await self._finished(job)
        await self.ports.announcer.drain()
        return len(jobs)

    async def _finished(self, job: Job) -> None:
        del self.fakes.queue.held[job.id]
        owed = self.fakes.tables.jobs[job.key]
        row = msgspec.structs.replace(owed.row, state="done", finished_at=self.clock())
        self.fakes.tables.jobs[job.key] = owed._replace(row=row)

    async def points(self, user: User) -> int:
        return await self.ports.records.ledger.balance(user.id)

    def rows(self) -> dict[str, Any]:
        """Everything that is stored, to compare before and after."""
        tables = self.fakes.tables
        return {"outbox": set(tables.outbox), "jobs": set(tables.jobs), "ledger": set(tables.ledger)}


def new_post(**fields: Any) -> CreatePost:
    usual = {"client_id": new_id(), "type": "check_in", "content": "Day 30."}
    return CreatePost(**{**usual, **fields})
