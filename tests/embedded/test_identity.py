"""As whom PostgreSQL runs, on this machine and on others."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.embedded import EmbeddedStoresError, identity, wheels
from db.embedded.folder import Folder, State
from db.embedded.port import free_port
from db.embedded.postgres import Postgres
from db.embedded.service import Service

POSTGRES = wheels.postgres_binary("postgres")
USABLE = [candidate for candidate in identity.candidates() if identity.can_run(POSTGRES, candidate)]


@pytest.fixture
def folder() -> Iterator[Folder]:
    """A folder whose parents everybody may pass, as those of pytest are not."""
    parent = Path(tempfile.mkdtemp(prefix="stores-"))
    parent.chmod(0o711)
    yield Folder.create(parent)
    shutil.rmtree(parent)


def test_a_cluster_moves_from_one_identity_to_the_other_and_back(folder: Folder) -> None:
    assert USABLE
    for user in [*USABLE, *reversed(USABLE)]:
        state = State(passwords={"postgresql": "secret"}, ports={"postgresql": free_port()})
        postgres = Postgres(folder, state.ports["postgresql"], "secret", durable=False, identity=user)
        service = Service(postgres, folder)
        postgres.prepare()
        service.start()
        try:
            service.wait_ready()
            assert postgres.data.stat().st_uid == user.uid
        finally:
            service.ask_to_stop()
            service.wait_stopped()


def test_root_prefers_a_namespace_and_falls_back_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert [candidate.name for candidate in identity.candidates()] == ["namespace", "nobody"]


def test_an_ordinary_user_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert [candidate.uid for candidate in identity.candidates()] == [1000]


def test_when_nobody_can_run_the_server_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedStoresError, match="Run as an ordinary user"):
        identity.choose_identity(tmp_path / "missing")
