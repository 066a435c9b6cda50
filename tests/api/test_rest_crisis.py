"""Crisis help to keep and to read: the signed pack, its key, the guidance; from memory alone."""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from rest_harness import Answer, Rest, opened

from db import pack
from db.signing import Ed25519Signer, new_key_text
from domain import crisis
from domain.ports import Ports
from domain.settings import Settings, load_settings
from tests.fakes.ports import fake_ports


@pytest.fixture
async def signed(ports: Ports) -> Any:
    async with opened(replace(ports, signer=Ed25519Signer(new_key_text()))) as rest:
        yield rest


async def key_of(rest: Rest) -> Ed25519PublicKey:
    answer = await rest.ask("GET", "/v1/crisis/pack/key")
    assert (answer.status, answer.body["algorithm"]) == (200, "ed25519")
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(answer.body["public_key"]))


def content_of(answer: Answer) -> bytes:
    return answer.text.encode()


async def test_an_app_verifies_the_pack_with_the_key_it_was_built_with(signed: Rest) -> None:
    key, answer = await key_of(signed), await signed.ask("GET", "/v1/crisis/pack")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/octet-stream")
    kept = crisis.read_offline_pack(content_of(answer), key.verify)
    assert kept.worried == crisis.WORRIED_ABOUT_SOMEONE
    assert "112" in str(kept.bundle.emergency["DE"])
    with pytest.raises(InvalidSignature):
        crisis.read_offline_pack(content_of(answer), Ed25519Signer(new_key_text())._key.public_key().verify)


async def test_a_pack_that_is_kept_is_not_sent_again(signed: Rest) -> None:
    first = await signed.ask("GET", "/v1/crisis/pack")
    assert "max-age=86400" in first.headers["Cache-Control"]
    tag = first.headers["ETag"]
    for known, status in ((tag, 304), (f'"other", {tag}', 304), ('"other"', 200)):
        answer = await signed.ask("GET", "/v1/crisis/pack", headers={"If-None-Match": known})
        assert (known, answer.status, answer.headers["ETag"]) == (known, status, tag)
    head = await signed.ask("HEAD", "/v1/crisis/pack")
    assert (head.status, head.text, head.headers["ETag"]) == (200, "", tag)


async def test_without_a_key_there_is_no_pack_and_everything_else(ports: Ports) -> None:
    async with opened(replace(ports, signer=None)) as rest:
        for path in ("/v1/crisis/pack", "/v1/crisis/pack/key"):
            assert (await rest.ask("GET", path)).error == (503, "unavailable", None)
        assert (await rest.ask("GET", "/v1/crisis/resources?country=DE")).status == 200


async def test_nobody_is_kept_from_pack_and_guidance(signed: Rest) -> None:
    for path in ("/v1/crisis/pack", "/v1/crisis/pack/key", "/v1/crisis/guidance"):
        assert (await signed.ask("GET", f"{path}?other=%00&other=2")).status == 200


async def test_the_guidance_is_the_minute_the_question_and_advice_for_who_worries(rest: Rest) -> None:
    body = (await rest.ask("GET", "/v1/crisis/guidance")).body
    assert sum(screen["seconds"] for screen in body["step"]["screens"]) == 60
    assert body["step"]["barrier"]["barriers"][0]["ways"]
    assert body["worried"]["after_report"]


async def test_pack_and_guidance_are_described(rest: Rest) -> None:
    paths = (await rest.ask("GET", "/docs/openapi.json")).body["paths"]
    assert {"/v1/crisis/pack", "/v1/crisis/pack/key", "/v1/crisis/guidance"} <= set(paths)
    assert (await rest.ask("GET", "/docs")).status == 200


@pytest.fixture
def development(tmp_path: Path) -> Settings:
    return load_settings(None, data_dir=tmp_path)


def test_the_command_makes_a_key_names_it_and_writes_the_pack(development: Settings, tmp_path: Path) -> None:
    name, _, text = pack.ran(["key"], development).partition("=")
    assert name == "CRISIS_PACK_KEY"
    made = load_settings(None, crisis_pack_key=text)
    public = base64.b64decode(pack.ran(["public"], made))
    file = tmp_path / "pack"
    assert pack.ran(["write", str(file)], made).endswith(" bytes")
    key = Ed25519PublicKey.from_public_bytes(public)
    assert crisis.read_offline_pack(file.read_bytes(), key.verify).bundle.built
    with pytest.raises(SystemExit):
        pack.ran(["sign"], made)


def test_development_keeps_a_key_of_its_own_and_production_needs_one(development: Settings) -> None:
    assert pack.ran(["public"], development) == pack.ran(["public"], development)
    with pytest.raises(SystemExit, match="CRISIS_PACK_KEY"):
        pack.ran(["public"], development.model_copy(update={"server_env": "production"}))


def test_a_key_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Ed25519Signer("c2hvcnQ")
    assert fake_ports().signer is None
