"""Loops that must live, and how long they wait after a failure."""

import asyncio
import itertools

import pytest

from workers import loop


@pytest.mark.parametrize(("step_seconds", "counted"), [(0.1, [1, 2, 3]), (60.0, [1, 1, 1])])
async def test_only_failures_in_a_row_are_waited_for_longer_each_time(
    monkeypatch: pytest.MonkeyPatch, step_seconds: float, counted: list[int]
) -> None:
    """A lane works for months; what failed in January makes nobody wait longer in May."""
    waits: list[int] = []

    def backoff(failures: int) -> float:
        waits.append(failures)
        return 0.0

    async def step() -> None:
        if len(waits) == len(counted):
            raise asyncio.CancelledError
        raise LookupError

    monkeypatch.setattr(loop, "backoff_seconds", backoff)
    monkeypatch.setattr(loop, "monotonic", itertools.count(0, step_seconds).__next__)
    with pytest.raises(asyncio.CancelledError):
        await loop.keep_alive("tested", step)
    assert waits == counted
