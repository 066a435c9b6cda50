"""Events that want an acknowledgment: what one costs, how many fit into a second, how long one takes."""

import time
from collections import deque
from collections.abc import Callable

from bench.peers.workload import ACK_FRAME, ACK_ID, INBOUND_ARGUMENT, INBOUND_EVENT
from bench.sockets.crowd import PATIENCE_SECONDS, Crowd, Member, opened_crowd
from bench.sockets.latency import percentiles
from bench.sockets.load import Load
from bench.sockets.peer import Peer
from bench.sockets.wire import PING, PONG, event_packet, split_frames

EVENT = event_packet(INBOUND_EVENT, INBOUND_ARGUMENT, ACK_ID)
WARM_UP_EVENTS = 3_000
CLOSED_LOOP_EVENTS = 30_000
PACED_EVENTS_PER_S, PACED_SECONDS = 4_000, 1.5


def measure(peer: Peer, members: int, scale: float) -> dict[str, dict[str, float | str]]:
    """`inbound`: each client sends its next event on the ack of the last. `inbound_paced`: 4,000 a second."""
    with opened_crowd(peer.port) as crowd:
        crowd.join(members)
        _saturate(crowd, int(WARM_UP_EVENTS * scale))
        paced_events = int(PACED_EVENTS_PER_S * PACED_SECONDS * scale)
        paced = _measured(peer, paced_events, lambda: _pace(crowd, paced_events))
        events = int(CLOSED_LOOP_EVENTS * scale)
        saturated = _measured(peer, events, lambda: _saturate(crowd, events))
    return {"inbound": saturated, "inbound_paced": paced}


def _measured(peer: Peer, events: int, run: Callable[[], list[int]]) -> dict[str, float | str]:
    before = peer.quiet_stats()
    started, cpu_started = time.monotonic(), time.process_time()
    latencies = run()
    seconds, client_cpu_s = time.monotonic() - started, time.process_time() - cpu_started
    after = peer.quiet_stats()
    load = Load.between(before, after, count=events, seconds=seconds, client_cpu_s=client_cpu_s)
    return load.figures("event", "events") | percentiles(latencies)


def _saturate(crowd: Crowd, events: int) -> list[int]:
    """A closed loop: as many events under way as there are clients."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    latencies: list[int] = []
    sent_ns: dict[int, int] = {}
    for fd, member in list(crowd.members.items())[:events]:
        sent_ns[fd] = _send(member)
    to_send = events - len(sent_ns)
    while len(latencies) < events:
        for fd, _ in crowd.readable(deadline):
            member = crowd.members[fd]
            if not _acknowledged(crowd, member):
                continue
            latencies.append(time.monotonic_ns() - sent_ns[fd])
            if to_send:
                to_send -= 1
                sent_ns[fd] = _send(member)
    return latencies


def _pace(crowd: Crowd, events: int) -> list[int]:
    """An open loop: an event is due when its time has come, and its latency counts from then."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    latencies: list[int] = []
    fds = list(crowd.members)
    due_ns: dict[int, deque[int]] = {fd: deque() for fd in fds}
    started_ns, interval_ns, sent = time.monotonic_ns(), 1_000_000_000 // PACED_EVENTS_PER_S, 0
    while len(latencies) < events:
        while sent < events and (due := started_ns + sent * interval_ns) <= time.monotonic_ns():
            fd = fds[sent % len(fds)]
            due_ns[fd].append(due)
            _send(crowd.members[fd])
            sent += 1
        for fd, _ in crowd.readable(deadline, 0):
            count = _acknowledged(crowd, crowd.members[fd])
            now = time.monotonic_ns()
            latencies.extend(now - due_ns[fd].popleft() for _ in range(count))
    return latencies


def _send(member: Member) -> int:
    now = time.monotonic_ns()
    member.sock.send(EVENT)
    return now


def _acknowledged(crowd: Crowd, member: Member) -> int:
    """How many acknowledgments can be read now; checks them, and answers pings."""
    data = member.tail + crowd.read(member)
    if data == ACK_FRAME:
        return 1
    payloads, member.tail = split_frames(data, member.inflate)
    acknowledgments = [payload for payload in payloads if payload != PING]
    if len(acknowledgments) < len(payloads):
        member.sock.send(PONG)
    if any(payload != ACK_FRAME[2:] for payload in acknowledgments):
        raise ValueError(f"not the acknowledgment every peer owes: {acknowledgments!r}")
    return len(acknowledgments)
