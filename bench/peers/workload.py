"""What every peer sends and answers, byte for byte the same (`node/server.js` repeats it in JavaScript)."""

import json
import time

FANOUT_EVENT = "post:new"
INBOUND_EVENT = "support:quick"
FRAME_BYTES = 326
HEADER_BYTES = 4

_BEFORE_STAMP = f'42["{FANOUT_EVENT}",{{"at":"'
STAMP_DIGITS = 20
STAMP_OFFSET = HEADER_BYTES + len(_BEFORE_STAMP)
_AROUND_TEXT = len(_BEFORE_STAMP) + STAMP_DIGITS + len('","text":""}]')
TEXT = "x" * (FRAME_BYTES - HEADER_BYTES - _AROUND_TEXT)

INBOUND_ARGUMENT = {"post_id": "0198c6a0-7d1e-7c3a-9b52-3f1d2a6b8c4e", "kind": "stay_strong"}
ACK = {"ok": True, "data": {"counts": {"stay_strong": 7}, "mine": ["stay_strong"]}}
ACK_ID = 417
_ACK_PACKET = f"43{ACK_ID}[{json.dumps(ACK, separators=(',', ':'))}]".encode()
ACK_FRAME = bytes((0x81, len(_ACK_PACKET))) + _ACK_PACKET


def announcement(text: str = TEXT) -> dict[str, str]:
    """The argument of a fan-out event: now in monotonic nanoseconds, shared by all processes, and filling."""
    return {"at": f"{time.monotonic_ns():0{STAMP_DIGITS}d}", "text": text}
