"""Voice notes over REST: only sound goes in, and it comes out whole or in parts, for whoever may hear it."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import pytest
from rest_harness import Answer, Person, Rest, opened, with_settings

from api import endpoint
from api.upload import Berths
from domain import responses
from domain.cases import Case
from domain.ids import new_id
from domain.ports import Ports
from domain.responses import Respond
from tests.recordings import NAMES, of_seconds, recording, rewritten

HEARD = rewritten(recording("voice.ogg"))
SIZE = len(HEARD.data)
MEDIA = {"ogg": "audio/ogg", "webm": "audio/webm;codecs=opus", "aac": "audio/aac", "m4a": "audio/x-m4a"}


async def upload(
    person: Person, raw: Any = None, *, client_id: str | None = None, media: str = "audio/ogg", **more: Any
) -> Answer:
    raw = recording("voice.ogg") if raw is None else raw
    params = {"client_id": client_id or new_id(), **more}
    return await person.ask(
        "POST", "/v1/voice-notes", raw=raw, headers={"Content-Type": media}, params=params
    )


async def uploaded(person: Person) -> str:
    answer = await upload(person)
    assert answer.status == 201, answer.text
    return str(answer.body["id"])


async def speak(person: Person, post_id: str) -> tuple[str, str]:
    """Answers with a voice note, as the socket would; gives the ids of the response and of the note."""
    note_id = await uploaded(person)
    command = Respond(client_id=new_id(), post_id=post_id, type="voice", voice_note_id=note_id)
    return (await responses.respond(command, person.user, person.rest.ports)).response.id, note_id


async def heard(person: Person, note_id: str, method: str = "GET", **headers: str) -> tuple[int, Any, bytes]:
    """Status, headers and the bytes as they came."""
    sent = {"Authorization": f"Bearer {person.access}", **headers}
    path = f"/v1/voice-notes/{note_id}"
    async with person.rest.client.request(method, path, headers=sent) as response:
        return response.status, response.headers, await response.read()


@pytest.mark.parametrize("name", NAMES)
async def test_every_recording_of_phones_and_browsers_is_taken(alice: Person, name: str) -> None:
    answer = await upload(alice, recording(name), media=MEDIA.get(name.rpartition(".")[2], "audio/mp4"))
    kept = rewritten(recording(name))
    assert (answer.status, answer.body) == (
        201,
        {
            "id": answer.body["id"],
            "duration_seconds": round(kept.seconds, 2),
            "content_type": kept.content_type,
            "bytes": len(kept.data),
        },
    )
    status, headers, body = await heard(alice, answer.body["id"])
    assert (status, headers["Content-Type"], body) == (200, kept.content_type, kept.data)
    assert b"CANARY" not in body


async def test_a_retried_upload_is_the_original(alice: Person, bob: Person) -> None:
    first, again = [await upload(alice, client_id="recording-1") for _ in range(2)]
    assert (first.status, again.status, again.body) == (201, 201, first.body)
    assert (await upload(bob, client_id="recording-1")).body["id"] != first.body["id"]
    both = await asyncio.gather(*(upload(alice, client_id="recording-2") for _ in range(3)))
    assert len({answer.body["id"] for answer in both}) == 1


async def in_pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 500):
        yield data[start : start + 500]


async def test_a_recording_may_come_in_pieces(alice: Person) -> None:
    assert (await upload(alice, in_pieces(recording("voice.ogg")))).status == 201


async def test_what_is_no_recording_is_refused_by_what_is_wrong(alice: Person) -> None:
    sound = recording("voice.ogg")
    cases: list[tuple[dict[str, Any], tuple[int, str, str | None]]] = [
        ({"raw": b"\x89PNG\r\n\x1a\n" + bytes(500)}, (400, "invalid", "audio")),
        ({"raw": sound + b"<script>alert(1)</script>"}, (400, "invalid", "audio")),
        ({"raw": b""}, (400, "invalid", "audio")),
        ({"raw": of_seconds(61)}, (400, "invalid", "audio")),
        ({"raw": BytesIO(bytes(1024 * 1024 + 1))}, (413, "too_large", None)),
        ({"raw": in_pieces(bytes(1024 * 1024 + 1))}, (413, "too_large", None)),
        ({"media": "application/json"}, (400, "invalid", "Content-Type")),
        ({"media": "multipart/form-data; boundary=x"}, (400, "invalid", "Content-Type")),
        ({"client_id": "short"}, (400, "invalid", "client_id")),
        ({"surprise": "1"}, (400, "invalid", "surprise")),
        ({"audio": "AAAA"}, (400, "invalid", "audio")),
    ]
    for request, error in cases:
        answer = await upload(alice, **request)
        assert (request.keys(), answer.error) == (request.keys(), error)
    missing = await alice.ask("POST", "/v1/voice-notes", raw=sound, headers={"Content-Type": "audio/ogg"})
    assert missing.error == (400, "invalid", "client_id")


async def test_a_minute_is_taken(alice: Person) -> None:
    assert (await upload(alice, of_seconds(60))).body["duration_seconds"] == 60


async def test_uploads_are_limited(ports: Ports) -> None:
    async with opened(with_settings(ports, uploads_per_minute=2)) as rest:
        person = await rest.register()
        assert [(await upload(person, b"x")).status for _ in range(3)] == [400, 400, 429]
    async with opened(with_settings(ports, new_account_voice_notes_per_hour=1)) as rest:
        person = await rest.register()
        assert [(await upload(person)).status for _ in range(2)] == [201, 429]


async def test_only_so_many_uploads_are_held_at_once(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, finish = asyncio.Event(), asyncio.Event()

    class SeenBerths(Berths):
        @contextmanager
        def one(self) -> Iterator[None]:
            with super().one():
                begun.set()
                yield

    monkeypatch.setattr(endpoint, "Berths", SeenBerths)
    async with opened(with_settings(ports, uploads_concurrent_max=1)) as rest:
        person = await rest.register()

        async def slowly() -> AsyncIterator[bytes]:
            yield recording("voice.ogg")[:100]
            await finish.wait()
            yield recording("voice.ogg")[100:]

        slow = asyncio.create_task(upload(person, slowly()))
        await begun.wait()
        refused = await upload(person)
        assert refused.error == (503, "unavailable", None)
        assert refused.headers["Retry-After"] == "2"
        finish.set()
        assert (await slow).status == 201
        assert (await upload(person)).status == 201


async def test_a_file_that_never_comes_whole_is_given_up(ports: Ports) -> None:
    async with opened(with_settings(ports, upload_timeout_seconds=0.2)) as rest:
        person = await rest.register()

        async def stuck() -> AsyncIterator[bytes]:
            yield b"OggS"
            await asyncio.Event().wait()

        assert (await upload(person, stuck())).error == (503, "unavailable", None)


# Coming out again.


async def test_a_note_says_what_it_is_and_is_kept_by_nobody_between(alice: Person) -> None:
    note_id = await uploaded(alice)
    status, headers, body = await heard(alice, note_id)
    assert (status, body) == (200, HEARD.data)
    assert headers["Content-Type"] == "audio/ogg; codecs=opus"
    assert headers["Content-Length"] == str(SIZE)
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"] == 'attachment; filename="voice-note.ogg"'
    assert headers["ETag"] == f'"{note_id}"'
    assert (await heard(alice, note_id, "HEAD"))[0] == 200
    assert (await heard(alice, note_id, "HEAD", Range="bytes=0-1"))[1]["Content-Length"] == str(SIZE)


PARTS: list[tuple[str, tuple[int, int]]] = [
    ("bytes=0-", (0, SIZE)),
    ("bytes=0-0", (0, 1)),
    ("bytes=10-19", (10, 20)),
    ("bytes=100-", (100, SIZE)),
    (f"bytes={SIZE - 1}-", (SIZE - 1, SIZE)),
    ("bytes=-1", (SIZE - 1, SIZE)),
    ("bytes=-99999", (0, SIZE)),
    (f"bytes=5-{10**17}", (5, SIZE)),
]
WHOLE = (
    "",
    "bytes",
    "bytes=-",
    "bytes=5-2",
    "bytes=a-b",
    "bytes=0-1,4-5",
    "seconds=0-1",
    f"bytes={'9' * 30}-",
    "bytes=٣-",
)


async def test_a_part_is_given_where_it_is_there(alice: Person) -> None:
    note_id = await uploaded(alice)
    for asked, (start, end) in PARTS:
        status, headers, body = await heard(alice, note_id, Range=asked)
        assert (asked, status, body) == (asked, 206, HEARD.data[start:end])
        assert headers["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}"
        assert headers["Content-Length"] == str(end - start)
    for asked in WHOLE:
        status, headers, body = await heard(alice, note_id, Range=asked)
        assert (asked, status, len(body), "Content-Range" in headers) == (asked, 200, SIZE, False)
    for asked in (f"bytes={SIZE}-", "bytes=-0", f"bytes={SIZE}-{SIZE + 5}"):
        answer = await alice.ask("GET", f"/v1/voice-notes/{note_id}", headers={"Range": asked})
        assert (asked, answer.error) == (asked, (416, "invalid", None))
        assert answer.headers["Content-Range"] == f"bytes */{SIZE}"


async def test_whoever_has_it_already_is_told_so(alice: Person) -> None:
    note_id = await uploaded(alice)
    for known in (f'"{note_id}"', f'W/"{note_id}"', f'"other", "{note_id}"', "*"):
        status, headers, body = await heard(alice, note_id, **{"If-None-Match": known})
        assert (known, status, body) == (known, 304, b"")
        assert headers["ETag"] == f'"{note_id}"'
    assert (await heard(alice, note_id, **{"If-None-Match": '"other"'}))[0] == 200
    for condition, expected in ((f'"{note_id}"', 206), ('"other"', 200), (f'W/"{note_id}"', 200)):
        status, _, _ = await heard(alice, note_id, Range="bytes=0-1", **{"If-Range": condition})
        assert (condition, status) == (condition, expected)


async def test_who_may_not_hear_it_is_not_even_told_that_they_have_it(alice: Person, bob: Person) -> None:
    note_id = await uploaded(alice)
    for headers in ({}, {"Range": "bytes=0-1"}, {"If-None-Match": f'"{note_id}"'}):
        answer = await bob.ask("GET", f"/v1/voice-notes/{note_id}", headers=headers)
        assert answer.error == (404, "not_found", None)


async def test_a_voice_answer_is_shown_and_heard_until_it_is_taken_back(alice: Person, bob: Person) -> None:
    post_id = await alice.post()
    response_id, note_id = await speak(bob, post_id)
    (shown,) = (await alice.get(f"/v1/posts/{post_id}/responses")).body["items"]
    assert (shown["id"], shown["type"], shown["content"]) == (response_id, "voice", "")
    assert shown["voice_note"]["id"] == note_id
    assert (await heard(alice, note_id))[2] == HEARD.data
    assert (await alice.ask("GET", f"/v1/voice-notes/{note_id.upper()}")).status == 200
    post = await bob.rest.ports.content.posts.get(post_id)
    response = await bob.rest.ports.content.responses.get(response_id)
    assert post is not None
    assert response is not None
    await responses.remove_response(response, post, bob.rest.ports)
    for person in (alice, bob):
        assert (await person.get(f"/v1/voice-notes/{note_id}")).error == (410, "gone", None)


async def test_text_answers_have_no_voice_note(alice: Person, bob: Person) -> None:
    post_id = await alice.post()
    await bob.respond(post_id)
    (shown,) = (await alice.get(f"/v1/posts/{post_id}/responses")).body["items"]
    assert (shown["type"], shown["voice_note"]) == ("text", None)


async def test_a_moderator_who_holds_the_case_hears_and_is_written_down(
    rest: Rest, alice: Person, bob: Person
) -> None:
    await rest.ports.records.accounts.update(bob.id, {"role": "moderator"})
    post_id = await alice.post(visibility="private")
    response_id, note_id = await speak(alice, post_id)
    assert (await bob.get(f"/v1/voice-notes/{note_id}")).error == (404, "not_found", None)
    case_id = await report(rest, alice, response_id)
    claimed = await bob.ask("POST", f"/v1/moderation/{case_id}/claim", {})
    assert claimed.body["written"]["voice_note"]["id"] == note_id
    assert (await heard(bob, note_id))[2] == HEARD.data
    lines = (await bob.get("/v1/moderation/audit", action="moderation.listen")).body["items"]
    assert [(line["actor_id"], line["target_id"]) for line in lines] == [(bob.id, response_id)]


async def report(rest: Rest, subject: Person, response_id: str) -> str:
    """A case about a response, as a report of somebody who could hear it then would open it."""
    case = Case(
        id=new_id(),
        kind="conduct",
        target="response",
        target_id=response_id,
        subject_id=subject.id,
        topics=["threat"],
        urgency=3,
        opened_at=rest.ports.now(),
    )
    async with rest.ports.transaction() as tx:
        await tx.cases.open(case)
    return case.id


# Documents.


async def test_openapi_shows_the_file_that_goes_in_and_the_parts_that_come_out(rest: Rest) -> None:
    document = (await rest.ask("GET", "/docs/openapi.json")).body
    put = document["paths"]["/v1/voice-notes"]["post"]
    assert [one["name"] for one in put["parameters"]] == ["client_id"]
    assert {"audio/ogg", "audio/webm", "audio/aac", "audio/mp4"} <= set(put["requestBody"]["content"])
    binary = {"schema": {"type": "string", "format": "binary"}}
    assert put["requestBody"]["content"]["audio/ogg"] == binary
    assert {"201", "400", "413", "429"} <= set(put["responses"])
    get = document["paths"]["/v1/voice-notes/{voice_note_id}"]["get"]
    assert {"200", "206", "304", "404", "416"} <= set(get["responses"])
    assert get["responses"]["206"]["content"]["audio/aac"] == binary
    assert "Content-Range" in get["responses"]["206"]["headers"]
    assert ("Range", "header") in {(one["name"], one["in"]) for one in get["parameters"]}
    assert "AddVoiceNote" not in document["components"]["schemas"]
    page = (await rest.ask("GET", "/docs")).text
    assert re.search(r"Body: application|Body: audio", page)
