"""Which worker answers, when the requests of one TCP connection belong to several."""

import asyncio

import pytest
from front_harness import (
    ENDPOINT,
    Connection,
    Service,
    connection_to,
    get,
    handshake,
    owner,
    poll,
    post,
    send,
    session_on,
    upgrade,
    within,
)

PROBE = b"\x81\x86\0\0\0\0" + b"2probe"
PROBE_ANSWER = b"\x81\x063probe"


async def connected_on(service: Service, index: int) -> str:
    """A session of worker `index` that is connected to the main namespace."""
    session = await session_on(service, index)
    async with await Connection.open(service) as connection:
        assert (await connection.ask(send(session, "40"))).body == b"ok"
        assert b"40{" in await packets(connection, session, until=b"auth")
    return session


async def packets(connection: Connection, session: str, *, until: bytes) -> bytes:
    """What a session is sent, polling as often as needed."""
    received = b""
    while until not in received:
        answer = await connection.ask(poll(session))
        assert answer.status == 200
        received += answer.body
        if answer.headers.get("connection") == "close":
            connection.reader, connection.writer = await asyncio.open_connection(
                *connection.writer.get_extra_info("peername")
            )
    return received


async def test_a_session_is_served_whatever_worker_accepts_the_connection(service: Service) -> None:
    for index in range(3):
        session = await session_on(service, index)
        for _ in range(12):
            async with await Connection.open(service) as connection:
                answer = await connection.ask(send(session, "3"))
                assert (answer.status, answer.body) == (200, b"ok")


async def test_a_first_request_is_answered_without_closing_its_connection(service: Service) -> None:
    session = await session_on(service, 1)
    for _ in range(6):
        async with await Connection.open(service) as connection:
            for _ in range(3):
                answer = await connection.ask(send(session, "3"))
                assert (answer.status, answer.headers.get("connection")) == (200, None)


async def test_one_connection_carries_requests_for_two_sessions(service: Service) -> None:
    one, other = await session_on(service, 0), await session_on(service, 2)
    async with await connection_to(service, 0) as connection:
        assert (await connection.ask(send(one, "3"))).body == b"ok"
        moved = await connection.ask(send(other, "3"))
        assert (moved.status, moved.body, moved.headers["connection"]) == (200, b"ok", "close")
        assert await connection.closed()


async def test_a_poll_waits_at_the_worker_it_was_moved_to(service: Service) -> None:
    session = await connected_on(service, 1)
    async with await connection_to(service, 2) as waiting, await Connection.open(service) as other:
        waiting.writer.write(poll(session))
        await other.ask(send(session, '42["message","moved"]'))
        answer = await waiting.answer()
        if answer.body == b"2":
            assert b"moved" in await packets(other, session, until=b"moved")
        else:
            assert b"moved" in answer.body


@pytest.mark.parametrize("used", [True, False], ids=["used connection", "new connection"])
async def test_an_upgrade_reaches_its_session(service: Service, used: bool) -> None:
    for index in range(3):
        session = await session_on(service, index)
        connection = await (connection_to(service, (index + 1) % 3) if used else Connection.open(service))
        async with connection:
            # The probe follows at once: its bytes have to move with the request.
            assert (await connection.ask(upgrade(session) + PROBE)).status == 101
            assert await within(connection.reader.readexactly(len(PROBE_ANSWER))) == PROBE_ANSWER


async def test_requests_sent_ahead_are_answered_in_order(service: Service) -> None:
    sessions = [await session_on(service, index) for index in (0, 1, 0)]
    for _ in range(6):
        async with await Connection.open(service) as connection:
            connection.writer.write(send(sessions[0], "3") + get("/pid") + get("/pid"))
            assert (await connection.answer()).body == b"ok"
            assert [int((await connection.answer()).body) for _ in range(2)] == [service.pids[0]] * 2


async def test_what_was_sent_ahead_of_a_move_is_not_answered_by_anybody_else(service: Service) -> None:
    session = await session_on(service, 1)
    async with await connection_to(service, 0) as connection:
        connection.writer.write(get("/pid") * 20 + send(session, "3") + get("/pid"))
        assert {int((await connection.answer()).body) for _ in range(20)} == {service.pids[0]}
        moved = await connection.answer()
        assert (moved.body, moved.headers["connection"]) == (b"ok", "close")
        assert await connection.closed()


async def test_a_request_that_arrives_byte_by_byte_is_understood(service: Service) -> None:
    session = await session_on(service, 2)
    async with await Connection.open(service) as connection:
        for byte in send(session, "3"):
            connection.writer.write(bytes([byte]))
            await connection.writer.drain()
        assert (await connection.answer()).body == b"ok"


@pytest.mark.parametrize("used", [True, False], ids=["used connection", "new connection"])
async def test_a_large_body_moves_whole(service: Service, used: bool) -> None:
    session = await connected_on(service, 0)
    text = "x" * 200_000
    connection = await (connection_to(service, 1) if used else Connection.open(service))
    async with connection:
        assert (await connection.ask(send(session, f'42["message","{text}"]'))).body == b"ok"
    async with await Connection.open(service) as connection:
        assert text.encode() in await packets(connection, session, until=b"message-back")


async def test_a_body_in_chunks_moves_whole(service: Service) -> None:
    session = await session_on(service, 0)
    async with await connection_to(service, 1) as connection:
        request = post(f"{ENDPOINT}polling&sid={session}", b"").replace(
            b"Content-Length: 0", b"Transfer-Encoding: chunked"
        )
        answer = await connection.ask(request + b"1\r\n3\r\n0\r\n\r\n")
        assert (answer.status, answer.body) == (200, b"ok")


async def test_a_body_above_the_bound_does_not_move(service: Service) -> None:
    session = await session_on(service, 0)
    async with await connection_to(service, 1) as connection:
        connection.writer.write(send(session, "4" + "x" * 1_100_000))
        assert (await connection.answer()).status == 413


@pytest.mark.parametrize("session", ["07-unknown", "ff-unknown", "00-unknown", "01-unknown", "unknown", "-"])
async def test_an_unknown_session_is_refused(service: Service, session: str) -> None:
    for used in (False, True):
        connection = await (connection_to(service, 0) if used else Connection.open(service))
        async with connection:
            answer = await connection.ask(poll(session))
            assert (answer.status, answer.body) == (400, b'{"code":1,"message":"Session ID unknown"}')


async def test_an_unusual_spelling_of_the_query_is_understood(service: Service) -> None:
    for index in range(3):
        session = await session_on(service, index)
        spelled = f"%{ord(session[0]):02x}{session[1:]}"
        async with await Connection.open(service) as connection:
            assert (await connection.ask(send(spelled, "3"))).body == b"ok"


async def test_what_is_not_http_does_not_trouble_the_neighbours(service: Service) -> None:
    async with await Connection.open(service) as neighbour:
        session = await handshake(neighbour)
        for nonsense in (b"\n", b"\0" * 9_000, b"x" * 20_000 + b"\r\n\r\n", b"GET ?sid=02-x\r\n\r\n"):
            async with await Connection.open(service) as connection:
                connection.writer.write(nonsense)
                connection.writer.write_eof()
                await within(connection.reader.read())
        assert (await neighbour.ask(send(session, "3"))).body == b"ok"
        assert owner(session) in range(3)
