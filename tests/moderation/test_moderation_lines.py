"""`python -m domain.moderation`: a verdict line for every input line, and never a crash."""

import json
import subprocess
import sys

from domain.moderation.__main__ import answer


def run(source: bytes) -> list[dict[str, object]]:
    done = subprocess.run(
        [sys.executable, "-m", "domain.moderation"], input=source, capture_output=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_lines_are_answered_in_order_and_bad_ones_get_an_error() -> None:
    source = (
        b'{"text": "I want to die"}\n\nnot json\n{"text": 5}\n[]\n\xff\xfe\n{"text": "day 30!", "id": 7}\n'
    )
    answers = run(source)
    assert answers[0]["labels"] == ["self_harm_risk"]
    assert answers[0]["action"] == "show_help"
    assert ["error" in line for line in answers] == [False, True, True, True, True, False]
    assert answers[-1] | {"labels": [], "action": "allow"} == answers[-1]


def test_an_answer_has_text_labels_scores_reasons_and_action() -> None:
    found = answer(json.dumps({"text": "call me on 555-0123"}).encode())
    assert {"text", "labels", "scores", "reasons", "action"} <= set(found)
    assert found["masked_text"] == "call me on [phone removed]"


def test_a_lone_surrogate_is_an_error_or_an_answer_but_no_crash() -> None:
    assert answer(b'{"text": "\\ud800 hi"}')


def test_an_endless_line_is_refused() -> None:
    assert answer(b'{"text": "' + b"a" * 1_000_001 + b'"}') == {"error": "line too long"}
