"""`python -m domain.moderation`: JSON lines `{"text": …}` on standard input, one verdict line each on
standard output.
"""

import sys
from typing import Any, BinaryIO

import msgspec

from domain.moderation import scan

MAX_LINE_BYTES = 1_000_000


class Request(msgspec.Struct):
    text: str


def main(source: BinaryIO = sys.stdin.buffer, sink: BinaryIO = sys.stdout.buffer) -> None:
    """Answer every line that is not blank; a line that cannot be read gets an `{"error": …}` line."""
    for line in source:
        if line.strip():
            sink.write(msgspec.json.encode(answer(line)) + b"\n")
            sink.flush()


def answer(line: bytes) -> dict[str, Any]:
    """The verdict for one line of input, as it is written."""
    if len(line) > MAX_LINE_BYTES:
        return {"error": "line too long"}
    try:
        text = msgspec.json.decode(line, type=Request).text
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return {"error": f"not a JSON object with a string `text`: {type(error).__name__}"}
    verdict = scan(text)
    return {
        "text": text,
        "labels": verdict.labels,
        "scores": {label: round(score, 4) for label, score in verdict.scores.items()},
        "reasons": verdict.reasons,
        "action": verdict.action,
        "actions": verdict.actions,
        "masked_text": verdict.masked_text,
        "language": verdict.language,
    }


if __name__ == "__main__":
    main()
