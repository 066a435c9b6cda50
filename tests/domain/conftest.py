"""The domain on fakes: nothing here waits for a store."""

from typing import Any

import pytest

from tests.domain.world import World


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """With the settings of `@pytest.mark.parametrize("world", [{…}], indirect=True)`, if any."""
    settings: dict[str, Any] = getattr(request, "param", {})
    return World(**settings)
