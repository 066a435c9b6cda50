"""What others hear of an erasure, live and when they come back: that something is gone, never what it was."""

from typing import Any

from domain import erasure
from domain.erasure import EraseMe
from domain.rooms import FEED
from tests.realtime.conftest import Phone, StartPhone, StartServer
from tests.realtime.test_live_security import user_of

SECRET = "zqx-what-i-said"


async def said(author: Phone, thread: str) -> str:
    """A post and an answer of this author; the post's id."""
    post = {"client_id": "erased-post-1", "type": "question", "content": SECRET}
    answer = {"client_id": "erased-answer-1", "post_id": thread, "content": SECRET}
    made = await author.ok("post:create", **post)
    await author.ok("support:respond", **answer)
    return str(made["post"]["id"])


def about(post_id: str) -> Any:
    return lambda told: told["data"].get("post_id") == post_id


async def test_others_hear_at_once_that_it_is_gone_and_those_who_come_back_never_hear_it(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    one, other = await start_server(), await start_server()
    author, reader, away = await start_phone(one), await start_phone(other), await start_phone(other)
    theirs = await reader.ok("post:create", client_id="their-post-1", type="question", content="And you?")
    thread = theirs["post"]["id"]
    await reader.ok("post:open", post_id=thread)
    positions = {FEED: position_in(away, FEED)}
    await away.close()
    post_id = await said(author, thread)
    await reader.received("post:new", lambda told: told["data"]["post"]["id"] == post_id)
    await reader.received("response:new")
    command = EraseMe(recovery_code=author.account.recovery_code)
    await erasure.erase_me(command, user_of(author, one), one.ports)
    # Whoever erases tells it: no worker and no relay runs here that could.
    await reader.received("post:removed", about(post_id))
    await reader.received("response:removed", about(thread))
    for server in (one, other):
        back = Phone(away.account)
        ready = await back.connect(server.url, positions=positions)
        assert ready["rooms"][FEED]["recovered"] is True
        await back.received("post:removed", about(post_id))
        assert SECRET not in str(back.heard)
        await back.close()


def position_in(phone: Phone, room: str) -> dict[str, Any]:
    (ready,) = phone.all("ready")
    state = ready["rooms"][room]
    return {"epoch": state["epoch"], "seq": state["seq"]}
