"""Every limit of the engine, with its unit in its name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one client, and all of them together, may cost this process.

    max_connections: sessions served; the next ones are told that there is no room.
    refusal_headroom: sessions above it that are opened only to receive a connect error;
        beyond those the handshake itself is answered with 503.
    outbound_bytes: bytes waiting for one client, in its queue or its transport. Ephemeral
        frames are dropped from half of it, at all of it the client is closed.
    gather_seconds: how long frames for one client wait for each other in a burst; 0: for the end of the
        turn of the loop only.
    polling_packets: packets waiting for one polling client.
    mailbox_bytes: received bytes (plus 128 per message) that wait for a running handler;
        above it the socket is no longer read.
    attachments: binary attachments of one packet.
    refusals: connect errors that one session gets in a row; above it the session is closed. Each costs this
        process more than the client, and nothing else limits who has not shown a token yet.
    silent_seconds: when there is no room, a session without a namespace that has not asked for one for so
        long gives way to a newcomer, the oldest first.
    connect_seconds: a session without any connected namespace is closed after this.
    handshake_seconds: for the body of a POST, and from the opening of an upgrade to its end.
    close_seconds: for a client to take its last frames and to answer a close.
    """

    max_connections: int = 20_000
    refusal_headroom: int = 256
    outbound_bytes: int = 262_144
    gather_seconds: float = 0.001
    polling_packets: int = 1_000
    mailbox_bytes: int = 32_768
    attachments: int = 10
    refusals: int = 10
    silent_seconds: float = 1.0
    connect_seconds: float = 10.0
    handshake_seconds: float = 10.0
    close_seconds: float = 3.0
