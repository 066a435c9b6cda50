"""Moderation end to end: real phones, a real server, a real worker, and people who decide."""

import asyncio
import os
import sys
import time
from typing import Any

import pytest

from demo.cluster import ROOT, Cluster, Process
from demo.phone import Phone, RefusedError
from tests.system.conftest import StartPhone

DEADLINE_SECONDS = 60.0
GONE_SECONDS = 1.0
"""From the moderator's answer until the last phone hears of it; usually some milliseconds.

The best of several: a busy machine holds up one or another.
"""
RISKY = "I want to kill myself tonight, I have the pills in front of me"
VILE = "kill yourself, nobody wants you here, you are worthless"


async def command(servers: Cluster, *arguments: str) -> tuple[int, str]:
    """One of our commands, on the stores of these servers; its exit code and what it printed."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *arguments,
        cwd=ROOT,
        env={**os.environ, **servers.settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await child.communicate()
    return child.returncode or 0, output.decode()


async def moderator(
    servers: Cluster, start_phone: StartPhone, server: Process, role: str = "moderator"
) -> Phone:
    phone = await start_phone(server)
    code, text = await command(servers, "db.roles", phone.account["handle"], role)
    assert code == 0, text
    return phone


async def case_of(phone: Phone, target_id: str) -> dict[str, Any]:
    """The open case about something, as soon as it is in the queue."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            for case in (await phone.rest("GET", "/v1/moderation/queue"))["items"]:
                if case["target_id"] == target_id:
                    return dict(case)
            await asyncio.sleep(0.05)


async def balance(phone: Phone, expected: int) -> None:
    await phone.received("points:changed", lambda told: told["data"]["balance"] == expected)


async def settled(phone: Phone, expected: int) -> None:
    """Points were never given, or are taken back."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (await phone.rest("GET", "/v1/me/points"))["balance"] != expected:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_danger_brings_help_and_people_and_harassment_goes(
    servers: Cluster, start_phone: StartPhone
) -> None:
    server, _ = await asyncio.gather(servers.server(), servers.worker())
    author, helper, reader = [await start_phone(server) for _ in range(3)]
    one, other = [await moderator(servers, start_phone, server) for _ in range(2)]

    # A risky post: help in the ack, moderators hear of it, the post stays, nothing happens to its author.
    risky = {"client_id": "risky-post-1", "type": "check_in", "content": RISKY}
    answer = await author.send("post:create", **risky)
    post_id = answer["post"]["id"]
    assert answer["crisis"]["resources"]
    called = await one.received("moderation:case")
    assert (called["data"]["kind"], called["data"]["urgency"]) == ("risk", 5)
    case = await case_of(one, post_id)
    assert "content" not in case
    detail = await one.rest("POST", f"/v1/moderation/{case['id']}/claim", {})
    assert (detail["written"]["content"], detail["written"]["blurred"]) == (RISKY, True)
    with pytest.raises(RefusedError, match="conflict"):
        await other.rest("POST", f"/v1/moderation/{case['id']}/claim", {})
    decision = {"action": "hide", "reason": "no"}
    with pytest.raises(RefusedError, match="invalid"):
        await one.rest("POST", f"/v1/moderation/{case['id']}/decide", decision)
    await one.rest("POST", f"/v1/moderation/{case['id']}/decide", {"action": "support"})
    await author.received("crisis:offer")
    assert (await reader.rest("GET", f"/v1/posts/{post_id}"))["status"] == "live"
    assert not [data for name, data in author.heard if name == "moderation:notice"]
    assert (await author.send("post:create", **{**risky, "client_id": "risky-post-2"}))["post"]["id"]

    # Somebody worries: help for both, and nobody is told who.
    about = {"target": "user", "target_id": author.account["id"], "reason": "worried"}
    worried = await reader.send("report:create", **about)
    assert (bool(worried["crisis"]["resources"]), bool(worried["worried"]["advice"])) == (True, True)
    offer = await author.received("crisis:offer", lambda told: told["data"]["post_id"] is None)
    assert reader.account["id"] not in str(offer)

    # A harassing answer: hidden by the scan, its points taken back, its author told why and how to appeal.
    said = {"client_id": "vile-answer-1", "post_id": post_id, "type": "text", "content": VILE}
    answer_id = (await helper.send("support:respond", **said))["response"]["id"]
    gone = await author.received("response:removed")
    assert gone["data"]["response_id"] == answer_id
    notice = (await helper.received("moderation:notice"))["data"]
    assert (notice["target_id"], "harassment" in notice["labels"]) == (answer_id, True)
    thread = await reader.rest("GET", f"/v1/posts/{post_id}/responses")
    assert thread["items"] == []
    told = await helper.received("notification:new")
    assert told["data"]["notification"]["kind"] == "moderation"
    assert VILE not in str(await helper.rest("GET", "/v1/me/notifications"))
    case = await case_of(one, answer_id)
    reason = {"action": "remove", "reason": "This attacks a person."}
    decided = await one.rest("POST", f"/v1/moderation/{case['id']}/decide", reason)
    assert decided["state"] == "active"

    # The decision, its notice, the appeal, somebody else who looks, and the answer is back.
    last = await helper.received("moderation:notice", lambda told: told["data"]["action"] == "remove")
    await settled(helper, 0)
    asked = {name: last["data"][name] for name in ("decision_id", "appeal_code")}
    appeal = await helper.rest("POST", "/v1/moderation/appeals", {**asked, "note": "It was a quote."})
    with pytest.raises(RefusedError, match="forbidden"):
        await one.rest("POST", f"/v1/moderation/{appeal['case_id']}/decide", {"action": "restore"})
    await other.rest("POST", f"/v1/moderation/{appeal['case_id']}/decide", {"action": "restore"})
    await helper.received("moderation:notice", lambda told: told["data"]["action"] == "restore")
    thread = await reader.rest("GET", f"/v1/posts/{post_id}/responses")
    assert [item["id"] for item in thread["items"]] == [answer_id]
    await balance(helper, 3)

    # The audit log holds all of it in one chain.
    lines = (await one.rest("GET", "/v1/moderation/audit"))["items"]
    assert [line["action"] for line in lines][:5] == [
        "moderation.restore",
        "moderation.appeal",
        "moderation.remove",
        "moderation.hide",
        "moderation.support",
    ]
    code, text = await command(servers, "db.audit", "verify")
    assert (code, text.startswith("whole: ")) == (0, True)
    head = text.split()[-1]
    assert (await command(servers, "db.audit", "verify", head))[0] == 0
    assert (await command(servers, "db.audit", "verify", f"{head}0"))[0] == 1


async def test_a_hidden_post_is_gone_everywhere_and_a_ban_closes_sockets(
    servers: Cluster, start_phone: StartPhone
) -> None:
    server, elsewhere, _ = await asyncio.gather(servers.server(), servers.server(), servers.worker())
    author, helper, reporter = [await start_phone(server) for _ in range(3)]
    reader = await start_phone(elsewhere)
    one = await moderator(servers, start_phone, server)
    said = {
        "client_id": "reported-1",
        "type": "question",
        "content": "Who else thinks that meetings are a waste of time?",
    }
    post_id = (await author.send("post:create", **said))["post"]["id"]
    await helper.send("support:quick", post_id=post_id, kind="been_there")
    await balance(helper, 1)
    about = {"target": "post", "target_id": post_id, "reason": "harassment"}
    first = await reporter.send("report:create", **about)
    assert (await reporter.send("report:create", **about))["report_id"] == first["report_id"]
    case = await case_of(one, post_id)
    before = dict(reader.positions)
    hide = {"action": "hide", "reason": "Please do not look down on others."}
    await one.rest("POST", f"/v1/moderation/{case['id']}/decide", hide)
    removed = await reader.received("post:removed")
    assert removed["data"]["post_id"] == post_id
    await balance(helper, 0)
    assert post_id not in str(await reader.rest("GET", "/v1/feed"))
    with pytest.raises(RefusedError, match="not_found"):
        await reader.rest("GET", f"/v1/posts/{post_id}")
    feed = before["feed"]
    replayed = await reader.send("resume", positions={"feed": {"epoch": feed["epoch"], "seq": 0}})
    assert said["content"] not in str(replayed)

    again = {"target": "user", "target_id": author.account["id"], "reason": "threat"}
    await reporter.send("report:create", **again)
    case = await case_of(one, author.account["id"])
    ban = {"action": "ban", "reason": "Threats are not allowed here.", "days": 7}
    await one.rest("POST", f"/v1/moderation/{case['id']}/decide", ban)
    assert (await author.received("session:ended"))["code"] == "banned"
    names = [name for name, _ in author.heard]
    assert names.index("session:ended") == len(names) - 1
    notice = (await author.received("moderation:notice", lambda told: told["data"]["action"] == "ban"))[
        "data"
    ]
    with pytest.raises(RefusedError, match="unauthenticated"):
        await author.rest("GET", "/v1/me")
    author.tokens = {}
    asked = {
        "decision_id": notice["decision_id"],
        "appeal_code": notice["appeal_code"],
        "note": "That was not me.",
    }
    assert (await author.rest("POST", "/v1/moderation/appeals", asked))["case_id"]


async def surfaces(phone: Phone, post_id: str, seen: dict[str, Any]) -> list[str]:
    """Everything that a phone can ask for when it hears that a post is gone, all at once, as text."""
    feed = f"/v1/rooms/feed/events?after={seen['seq']}&epoch={seen['epoch']}"
    asked = [
        phone.rest("GET", "/v1/feed"),
        phone.rest("GET", "/v1/feed?sort=oldest_unanswered"),
        phone.rest("GET", feed),
        phone.rest("GET", "/v1/me/notifications"),
        phone.rest("GET", f"/v1/posts/{post_id}"),
        phone.rest("GET", f"/v1/posts/{post_id}/responses"),
        phone.send("resume", positions={"feed": seen}),
        phone.send("post:open", post_id=post_id),
        phone.send("support:quick", post_id=post_id, kind="been_there"),
    ]
    return [str(answer) for answer in await asyncio.gather(*asked, return_exceptions=True)]


async def test_what_is_hidden_is_on_no_surface_by_the_time_that_anybody_hears_of_it(
    servers: Cluster, start_phone: StartPhone
) -> None:
    here, elsewhere, _ = await asyncio.gather(servers.server(), servers.server(), servers.worker())
    author, helper = await start_phone(here), await start_phone(here)
    readers = [await start_phone(server) for server in (here, elsewhere)]
    one = await moderator(servers, start_phone, here)
    seen = dict(readers[0].positions["feed"])
    words = "Whoever goes to meetings has no will of their own."
    said = {"client_id": "everywhere-1", "type": "question", "content": words}
    post_id = (await author.send("post:create", **said))["post"]["id"]
    for phone in readers:
        await phone.received("post:new", lambda told: told["data"]["post"]["id"] == post_id)
        await phone.send("post:open", post_id=post_id)
    answer = {"client_id": "everywhere-2", "post_id": post_id, "content": "That is not so."}
    await helper.send("support:respond", **answer)
    await balance(helper, 3)
    took = [await hidden(post_id, one, readers)]
    for phone in readers:
        shown = await surfaces(phone, post_id, seen)
        assert [text for text in shown if words in text or answer["content"] in text] == []
        assert sum("not_found" in text for text in shown) == 4
    (mine,) = (await author.rest("GET", "/v1/me/history"))["items"]
    assert (mine["id"], mine["status"]) == (post_id, "hidden")
    await balance(helper, 0)
    for number in range(3):
        again = {**said, "client_id": f"everywhere-again-{number}"}
        took.append(await hidden((await author.send("post:create", **again))["post"]["id"], one, readers))
    assert min(took) < GONE_SECONDS


async def hidden(post_id: str, moderator: Phone, readers: list[Phone]) -> float:
    """Reported, and hidden by a moderator; the seconds until all readers heard that it is gone."""
    await readers[0].send("report:create", target="post", target_id=post_id, reason="harassment")
    case = await case_of(moderator, post_id)
    hide = {"action": "hide", "reason": "Please do not look down on others."}
    await moderator.rest("POST", f"/v1/moderation/{case['id']}/decide", hide)
    decided_at = time.perf_counter()
    for phone in readers:
        await phone.received("post:removed", lambda told: told["data"]["post_id"] == post_id)
    return time.perf_counter() - decided_at


async def test_a_dry_run_shows_what_todays_rules_would_change(
    servers: Cluster, start_phone: StartPhone
) -> None:
    server = await servers.server()
    author = await start_phone(server)
    vile = {"client_id": "unscanned-1", "type": "question", "content": VILE}
    post_id = (await author.send("post:create", **vile))["post"]["id"]
    code, text = await command(servers, "db.rescan", "--days", "1")
    assert code == 0, text
    assert f"post:{post_id}" in text
    assert (await author.rest("GET", f"/v1/posts/{post_id}"))["status"] == "live"
    code, text = await command(servers, "db.rescan", "--apply")
    assert code == 0, text
    await servers.worker()
    await author.received("moderation:notice", lambda told: told["data"]["target_id"] == post_id)
