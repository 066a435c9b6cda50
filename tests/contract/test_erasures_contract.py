"""What `domain.ports.Erasures` and `domain.ports.Belongings` promise, and what other stores do for them."""

from datetime import timedelta
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from domain.accounts import User
from domain.activity import Activity
from domain.belongings import BelongingKind
from domain.blocks import AddBlock, add_block
from domain.cases import Case
from domain.checkins import CheckIn
from domain.clock import utc_now
from domain.cravings import Craving
from domain.decisions import Decision
from domain.devices import Device
from domain.erasure import Erasure, new_erasure
from domain.events import Publication
from domain.helping import HelperSettings
from domain.ids import new_id
from domain.ladder import Ladder
from domain.notifications import Notification
from domain.ports import Given, Ports
from domain.posts import Context
from domain.preferences import Preferences
from domain.reports import Report
from domain.rooms import REDACTED
from domain.streaks import Streak
from domain.trackers import Tracker
from domain.trust import Thank
from tests.contract.makers import NOON, Makers


async def begun(ports: Ports, make: Makers, **fields: Any) -> Erasure:
    erasure = replace(new_erasure((await make.account()).id, NOON), **fields)
    assert await ports.records.erasures.add(erasure)
    return erasure


async def test_one_erasure_of_an_account_runs_at_a_time(ports: Ports, make: Makers) -> None:
    erasure = await begun(ports, make)
    again = new_erasure(erasure.account_id or "", NOON)
    assert not await ports.records.erasures.add(again)
    assert await ports.records.erasures.get(again.receipt_id) is None
    assert await ports.records.erasures.get(erasure.receipt_id) == erasure
    assert await ports.records.erasures.of_account(erasure.account_id or "") == erasure


async def test_what_was_erased_adds_up(ports: Ports, make: Makers) -> None:
    erasure = await begun(ports, make)
    for what, count in (("posts", 2), ("posts", 3), ("blocks", 1)):
        await ports.records.erasures.add_count(erasure.receipt_id, what, count)
    found = await ports.records.erasures.get(erasure.receipt_id)
    assert found is not None
    assert found.erased == {"posts": 5, "blocks": 1}


async def test_a_complete_erasure_forgets_whose_it_was(ports: Ports, make: Makers) -> None:
    erasure, later = await begun(ports, make), NOON + timedelta(hours=1)
    other = await begun(ports, make, requested_at=later)
    assert await ports.records.erasures.unfinished(10) == [erasure, other]
    assert await ports.records.erasures.unfinished(1) == [erasure]
    assert await ports.records.erasures.complete(erasure.receipt_id, later)
    assert not await ports.records.erasures.complete(erasure.receipt_id, later)
    done = await ports.records.erasures.get(erasure.receipt_id)
    assert done == replace(erasure, account_id=None, stand_in=None, completed_at=later)
    assert await ports.records.erasures.unfinished(10) == [other]
    assert await ports.records.erasures.of_account(erasure.account_id or "") is None


async def test_old_receipts_are_pruned_and_running_ones_are_not(ports: Ports, make: Makers) -> None:
    done, running = await begun(ports, make), await begun(ports, make)
    await ports.records.erasures.complete(done.receipt_id, NOON)
    assert await ports.records.erasures.prune(NOON, 10) == 0
    assert await ports.records.erasures.prune(NOON + timedelta(seconds=1), 10) == 1
    assert await ports.records.erasures.get(done.receipt_id) is None
    assert await ports.records.erasures.get(running.receipt_id) == running


async def test_only_an_account_whose_erasure_runs_is_deleted(ports: Ports, make: Makers) -> None:
    account = await make.account(status="banned")
    session = await make.session(account.id)
    assert not await ports.records.accounts.delete_erased(account.id)
    assert await ports.records.erasures.add(new_erasure(account.id, NOON))
    assert await ports.records.accounts.delete_erased(account.id)
    assert await ports.records.accounts.get(account.id) is None
    assert await ports.records.sessions.user_of(session.id) is None
    assert not await ports.records.accounts.delete_erased(account.id)


class Owner:
    """An account with one row of every kind, and somebody whose rows are theirs."""

    def __init__(self, ports: Ports, make: Makers) -> None:
        self.ports, self.make = ports, make
        self.stand_in = new_id()

    async def begin(self) -> "Owner":
        self.account, self.other = await self.make.account(), await self.make.account()
        self.post_id, self.response_id = new_id(), new_id()
        await self._things()
        await self._help()
        await self._moderation()
        return self

    async def _things(self) -> None:
        records, id = self.ports.records, self.account.id
        session = await self.make.session(id)
        tracker = Tracker(
            id=new_id(),
            account_id=id,
            category="alcohol",
            timezone="UTC",
            started_on=NOON.date(),
            claimed_days=0,
            created_at=NOON,
            streak=Streak(),
        )
        await records.trackers.add(tracker, None)
        await add_block(AddBlock(user_id=self.other.id), User(id=id, session_id=session.id), self.ports)
        await records.blocks.add(self.other.id, id, NOON)
        device = Device(
            id=new_id(),
            account_id=id,
            session_id=session.id,
            platform="ios",
            token_key=new_id().encode(),
            sealed=b"sealed",
            seen_at=NOON,
        )
        await records.devices.put(device, most=5)
        told: Any = {"kind": "response", "event_id": new_id(), "post_id": self.post_id, "created_at": NOON}
        for owner, actor in ((id, self.other.id), (self.other.id, id)):
            note = Notification(id=new_id(), account_id=owner, actor_id=actor, in_app=True, **told)
            await records.notifications.add([note])
        await records.preferences.put(id, Preferences())
        await records.helpers.put(HelperSettings(account_id=id))
        done: Any = {"kind": "post", "at": NOON, "day": NOON.date()}
        await records.activities.add(Activity(ref=new_id(), account_id=id, **done))

    async def _help(self) -> None:
        records, account, other = self.ports.records, self.account, self.other
        sos: Any = {"circle_id": None, "categories": [], "started_at": NOON}
        await records.ladders.start(Ladder(post_id=self.post_id, author_id=account.id, **sos))
        self.their_sos = new_id()
        await records.ladders.start(Ladder(post_id=self.their_sos, author_id=other.id, **sos))
        await records.ladders.ask(self.their_sos, 1, [account.id], NOON)
        await records.ladders.see(self.their_sos, account.id)
        self.given = self.make.entry(account, other, key=f"{account.id}:{new_id()}:text")
        self.received = self.make.entry(other, account)
        for entry in (self.given, self.received):
            await records.ledger.add(entry)
        thank: Any = {"post_id": self.post_id, "at": NOON}
        await records.thanks.add(
            Thank(response_id=self.response_id, helper_id=other.id, thanker_id=account.id, **thank)
        )
        await records.thanks.add(
            Thank(response_id=new_id(), helper_id=account.id, thanker_id=other.id, **thank)
        )

    async def _moderation(self) -> None:
        records, id = self.ports.records, self.account.id
        about: Any = {"target": "user", "target_id": id, "subject_id": id, "topics": ["spam"]}
        self.case = Case(
            id=new_id(), kind="conduct", urgency=1, opened_at=NOON, note="private", barred=[id], **about
        )
        async with self.ports.transaction() as tx:
            await tx.cases.open(self.case)
        report: Any = {"case_id": self.case.id, "reason": "spam", "note": "private", "weight": 0.5}
        self.mine = Report(
            id=new_id(), reporter_id=id, target="user", target_id=self.other.id, created_at=NOON, **report
        )
        self.theirs = Report(
            id=new_id(), reporter_id=self.other.id, target="user", target_id=id, created_at=NOON, **report
        )
        for one in (self.mine, self.theirs):
            await records.reports.add(one)
        self.decision = Decision(
            id=new_id(),
            case_id=self.case.id,
            moderator_id=self.other.id,
            action="warn",
            at=NOON,
            reason="private",
            earlier="private",
            **about,
        )
        await records.decisions.add(self.decision)

    async def forget(self, kind: BelongingKind, limit: int = 10) -> int:
        return await self.ports.records.belongings.forget(kind, self.account.id, self.stand_in, limit)


TAKEN: dict[BelongingKind, int] = {
    "trackers": 1,
    "blocks": 2,
    "devices": 1,
    "notifications": 1,
    "preferences": 1,
    "helping": 1,
    "attention": 2,
    "ladders": 1,
    "activities": 1,
    "points": 2,
    "thanks": 2,
    "reports": 2,
    "moderation": 3,
}


@pytest.mark.parametrize("kind", get_args(BelongingKind))
async def test_every_kind_of_belonging_is_taken_once(kind: BelongingKind, ports: Ports, make: Makers) -> None:
    owner = await Owner(ports, make).begin()
    assert await owner.forget(kind) == TAKEN[kind]
    assert await owner.forget(kind) == 0


async def test_belongings_are_taken_a_chunk_at_a_time(ports: Ports, make: Makers) -> None:
    owner = await Owner(ports, make).begin()
    for number in range(4):
        done = Activity(ref=f"more-{number}", account_id=owner.account.id, kind="x", at=NOON, day=NOON.date())
        await ports.records.activities.add(done)
    assert [await owner.forget("activities", 2) for _ in range(4)] == [2, 2, 1, 0]


async def test_what_was_told_to_others_stays_theirs(ports: Ports, make: Makers) -> None:
    owner = await Owner(ports, make).begin()
    await owner.forget("notifications")
    (theirs,) = await ports.records.notifications.page(owner.other.id, None, 10, without=[])
    assert theirs.account_id == owner.other.id
    assert await ports.records.notifications.page(owner.account.id, None, 10, without=[]) == []


async def test_help_that_others_gave_and_got_is_kept_without_the_account(ports: Ports, make: Makers) -> None:
    owner = await Owner(ports, make).begin()
    counts = await ports.records.ledger.help_counts(owner.other.id)
    for kind in ("points", "thanks", "ladders"):
        await owner.forget(kind)  # type: ignore[arg-type]
    other, stand_in = owner.other, owner.stand_in
    assert await ports.records.ledger.help_counts(other.id) == counts
    assert await ports.records.ledger.balance(other.id) == owner.received.change
    assert await ports.records.ledger.balance(owner.account.id) == 0
    (given,) = await ports.records.ledger.of_post(owner.given.post_id, None)
    key = owner.given.key.replace(owner.account.id, stand_in)
    assert (given.account_id, given.key, given.ref) == (stand_in, key, stand_in)
    (received,) = await ports.records.ledger.of_post(owner.received.post_id, None)
    assert received.receiver_id == stand_in
    (thank,) = await ports.records.thanks.of_helper(other.id, NOON, 10)
    assert thank.thanker_id == stand_in
    assert await ports.records.thanks.of_helper(owner.account.id, NOON, 10) == []
    ladder = await ports.records.ladders.get(owner.post_id)
    assert ladder is not None
    assert ladder.author_id == stand_in


async def test_an_entry_of_a_stand_in_moves_no_balance(ports: Ports, make: Makers) -> None:
    entry = replace(make.entry(await make.account(), await make.account()), account_id=new_id())
    assert not await ports.records.ledger.add(entry)
    assert await ports.records.ledger.of_post(entry.post_id, None) == [entry]


async def test_reports_and_decisions_are_kept_without_the_account_and_its_words(
    ports: Ports, make: Makers
) -> None:
    owner = await Owner(ports, make).begin()
    for kind in ("reports", "moderation"):
        await owner.forget(kind)  # type: ignore[arg-type]
    kept = {one.id: one for one in await ports.records.reports.of_case(owner.case.id, 10)}
    assert (kept[owner.mine.id].reporter_id, kept[owner.mine.id].note) == (None, "")
    assert kept[owner.mine.id].target_id == owner.other.id
    assert kept[owner.theirs.id] == replace(owner.theirs, target_id=owner.stand_in)
    case = await ports.records.cases.get(owner.case.id)
    assert case is not None
    assert (case.subject_id, case.target_id, case.barred, case.note) == (
        *[owner.stand_in] * 2,
        [owner.stand_in],
        "",
    )
    decision = await ports.records.decisions.get(owner.decision.id)
    assert decision is not None
    assert (decision.subject_id, decision.reason, decision.action) == (owner.stand_in, "", "warn")
    assert decision.earlier is None
    assert decision.moderator_id == owner.other.id


async def test_open_cases_about_somebody_close_together(ports: Ports, make: Makers) -> None:
    owner = await Owner(ports, make).begin()
    now = utc_now()
    assert await ports.records.cases.close_about(owner.other.id, "erased", now) == 0
    assert await ports.records.cases.close_about(owner.account.id, "erased", now) == 1
    assert await ports.records.cases.close_about(owner.account.id, "erased", now) == 0
    case = await ports.records.cases.get(owner.case.id)
    assert case is not None
    assert (case.outcome, case.closed_by, case.closed_at) == ("erased", None, now)
    record = await ports.records.reports.record_of(owner.other.id)
    assert (record.upheld, record.dismissed) == (0, 0)


async def test_a_circle_goes_to_its_eldest_moderator_else_its_eldest_member(
    ports: Ports, make: Makers
) -> None:
    owner, first, second = [await make.account() for _ in range(3)]
    circle, circles = await make.circle(owner.id), ports.records.circles
    for number, member in enumerate((first, second)):
        await circles.join(circle.id, member.id, utc_now() + timedelta(seconds=number))
    assert await circles.inherit(circle.id) is None
    assert not await circles.close_empty(circle.id)
    for leaving, heir in ((owner, first), (first, second)):
        await circles.leave(circle.id, leaving.id)
        assert await circles.inherit(circle.id) == heir.id
        assert await circles.owner_of(circle.id) == heir.id
    await circles.leave(circle.id, second.id)
    assert await circles.inherit(circle.id) is None
    assert await circles.close_empty(circle.id)
    assert await circles.get(circle.id) is None


async def test_posts_of_an_author_are_emptied_together_and_then_left_to_nobody(
    ports: Ports, make: Makers
) -> None:
    author, stand_in = new_id(), new_id()
    posts = [await make.stored_post(author_id=author, status=status) for status in ("live", "held")]
    theirs = await make.stored_post()
    await ports.content.posts.withdraw(author)
    for post in posts:
        found = await ports.content.posts.get(post.id)
        assert found is not None
        assert (found.status, found.content, found.context) == ("expired", "", Context())
        assert found.author_id == author
    assert await ports.content.posts.get(theirs.id) == theirs
    assert await ports.content.posts.erase(posts[0].id, stand_in, ["feed"])
    assert not await ports.content.posts.erase(posts[0].id, stand_in, ["feed"])
    left = await ports.content.posts.get(posts[0].id)
    assert left is not None
    assert (left.author_id, left.client_id, left.categories, left.rooms) == (stand_in, left.id, [], ["feed"])
    assert left.supports == posts[0].supports


async def test_responses_of_an_author_are_found_withdrawn_and_deleted(ports: Ports, make: Makers) -> None:
    author, post_id = new_id(), new_id()
    states = ("live", "hidden", "removed")
    made = [await make.stored_response(post_id, author_id=author, status=status) for status in states]
    await make.stored_response(post_id)
    responses = ports.content.responses
    assert await responses.by_author(author, None, 2) == [made[2], made[1]]
    assert await responses.by_author(author, made[1].id, 2) == [made[0]]
    await responses.withdraw(author)
    left = await responses.by_author(author, None, 10)
    assert [one.status for one in left] == ["removed", "removed", "expired"]
    assert [one.content for one in left][1:] == ["", ""]
    assert await responses.delete(made[0].id)
    assert not await responses.delete(made[0].id)
    assert len(await responses.by_author(author, None, 10)) == 2


async def test_supports_of_a_giver_are_listed_by_post(ports: Ports, make: Makers) -> None:
    giver, first, second = new_id(), make.id(), make.id()
    supports = ports.content.supports
    for post_id in (second, first):
        await supports.add(post_id, giver, "been_there", NOON)
    await supports.add(first, new_id(), "been_there", NOON)
    given = [Given(post_id, "been_there", NOON) for post_id in (first, second)]
    assert await supports.by_giver(giver, "", 10) == given
    assert await supports.by_giver(giver, first, 10) == given[1:]
    assert await supports.by_giver(giver, "", 1) == given[:1]


async def test_check_ins_and_cravings_of_an_account_are_paged_and_deleted(ports: Ports, make: Makers) -> None:
    account, stranger = new_id(), new_id()
    check_ins, cravings = ports.content.checkins, ports.content.cravings
    moment: Any = {"tracker_id": new_id(), "at": NOON, "recorded_at": NOON, "timezone": "UTC"}
    ids = [make.id() for _ in range(3)]
    for id, owner in zip([*ids, make.id()], [account] * 3 + [stranger], strict=True):
        await check_ins.add(CheckIn(id=id, account_id=owner, kind="check_in", day=NOON.date(), **moment))
        await cravings.add(Craving(id=id, account_id=owner, follows=None, **moment))
    for kept in (check_ins, cravings):
        assert [one.id for one in await kept.page(account, "", 2)] == ids[:2]  # type: ignore[attr-defined]
        assert [one.id for one in await kept.page(account, ids[1], 2)] == ids[2:]  # type: ignore[attr-defined]
        assert [await kept.forget(account, 2) for _ in range(3)] == [2, 1, 0]  # type: ignore[attr-defined]
        assert len(await kept.page(stranger, "", 2)) == 1  # type: ignore[attr-defined]


async def test_a_redacted_room_keeps_its_order_and_its_removals(ports: Ports) -> None:
    room, actor, other = f"post:{new_id()}", new_id(), new_id()
    told = [("post:new", actor), ("response:new", other), ("post:removed", actor)]
    for name, by in told:
        body = b'"event_id":"x","data":{"post_id":"secret"}}'
        await ports.rooms.publish(Publication(room, new_id(), name, by, body))
    before = await ports.rooms.read(room, 0, 10)
    assert await ports.rooms.redact(room, actor) == 1
    assert await ports.rooms.redact(room, actor) == 0
    after = await ports.rooms.read(room, 0, 10)
    assert (after.epoch, after.seq) == (before.epoch, before.seq)
    assert [(one.seq, one.previous) for one in after.events] == [
        (one.seq, one.previous) for one in before.events
    ]
    assert [one.event for one in after.events] == [REDACTED, "response:new", "post:removed"]
    assert (after.events[0].actor, b"secret" in after.events[0].body) == ("", False)
    assert after.events[1:] == before.events[1:]
    seq = await ports.rooms.publish(Publication(room, new_id(), "post:new", other, b'"data":{}}'))
    assert seq == before.seq + 1


async def test_a_forgotten_room_begins_anew(ports: Ports) -> None:
    room = f"user:{new_id()}"
    assert await ports.rooms.forget(room) == 0
    await ports.rooms.publish(Publication(room, new_id(), "post:new", "", b'"data":{}}'))
    before = await ports.rooms.read(room, 0, 10)
    assert await ports.rooms.forget(room) == 1
    after = await ports.rooms.read(room, 0, 10)
    assert after.epoch != before.epoch
    assert after.events == []
