"""Crisis resources: the right help first, nobody left without any, and no hours invented."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources as packaged
from pathlib import Path

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain import crisis
from domain.crisis import build, countries
from domain.crisis.bundle import BUNDLE, Helpline, load_bundle
from domain.crisis.order import AUDIENCES_WITH_UNKNOWN, CRISIS_NOW, SUBSTANCE_USE, YOUTH, in_order, topic
from domain.crisis.pack import offline_payload

PROJECT = Path(__file__).resolve().parents[2]
EVERY_COUNTRY = sorted(countries.COUNTRIES)


def names(found: crisis.CrisisResources) -> list[str]:
    """The names of the lines, in order."""
    return [line.name for line in found.resources]


def every_answer() -> Iterator[crisis.CrisisResources]:
    """What each country and audience gets."""
    for country in [*EVERY_COUNTRY, "ZZ"]:
        for audience in AUDIENCES_WITH_UNKNOWN:
            yield crisis.resources_for(country, audience=audience)


def test_the_wire_shape_is_the_one_of_the_protocol() -> None:
    found = json.loads(msgspec.json.encode(crisis.resources_for("DE")))
    assert found["country"] == "DE"
    assert found["emergency"] == ["112", "110"]
    assert {"name", "kinds", "languages", "hours"} <= set.intersection(*map(set, found["resources"]))
    assert [screen["id"] for screen in found["step"]["screens"]]
    assert msgspec.convert(found, crisis.CrisisResources) == crisis.resources_for("DE")


def test_round_the_clock_crisis_lines_come_before_substance_use_lines_in_every_country() -> None:
    for found in every_answer():
        topics = [topic(line) for line in found.resources if topic(line) in (CRISIS_NOW, SUBSTANCE_USE)]
        assert topics == sorted(topics), found.country


def test_findahelpline_is_in_every_answer_and_help_with_substances_too() -> None:
    for found in every_answer():
        assert "https://findahelpline.com" in {line.website for line in found.resources}, found.country
        assert any("substance_use" in line.kinds for line in found.resources), found.country


def test_every_line_of_a_country_is_in_each_of_its_answers() -> None:
    for country, lines in BUNDLE.helplines.items():
        for audience in AUDIENCES_WITH_UNKNOWN:
            for languages in ((), ("en",), ("xx", "zu")):
                found = crisis.resources_for(country, audience=audience, languages=languages)
                assert set(lines) <= set(found.resources)
                assert len(set(found.resources)) == len(found.resources)


@pytest.mark.parametrize("country", [None, "", "ZZ", "QQ", "Germany", "D", "DEU", "🇩🇪", "d\x00", "AQ", "KP"])
def test_without_a_known_country_the_worldwide_resources_and_local_services_are_named(
    country: str | None,
) -> None:
    found = crisis.resources_for(country)
    assert (found.country, found.emergency) == ("ZZ", ())
    assert "local emergency services" in found.emergency_note
    assert names(found)[0].startswith("Find A Helpline")


@pytest.mark.parametrize(("text", "country"), [("de", "DE"), (" gb ", "GB"), ("uk", "GB"), ("XK", "XK")])
def test_a_country_is_recognised_however_it_is_written(text: str, country: str) -> None:
    assert crisis.resources_for(text).country == country


def test_a_country_with_an_emergency_number_and_no_line_gets_both_it_and_the_worldwide_lines() -> None:
    lonely = set(BUNDLE.emergency) - set(BUNDLE.helplines)
    assert lonely
    for country in lonely:
        found = crisis.resources_for(country)
        assert found.country == country
        assert found.emergency[0] in found.emergency_note
        assert found.resources == crisis.resources_for(None).resources


def test_a_country_with_lines_and_no_emergency_number_says_local_services() -> None:
    found = crisis.resources_for("LY")
    assert found.country == "LY"
    assert found.emergency == ()
    assert "local emergency services" in found.emergency_note


def test_unknown_hours_are_null_on_the_wire_and_never_printed_as_round_the_clock() -> None:
    unknown = [line for lines in BUNDLE.helplines.values() for line in lines if line.hours is None]
    assert len(unknown) > 100
    for line in unknown:
        assert json.loads(msgspec.json.encode(line))["hours"] is None
        assert topic(line) != CRISIS_NOW
    printed = printed_for("--country", "LU")
    assert "hours not known" in printed
    assert "24/7" not in printed


def test_youth_lines_lead_for_the_young_and_follow_the_crisis_lines_when_the_age_is_unknown() -> None:
    assert "youth" in crisis.resources_for("DE", audience="youth").resources[0].kinds
    topics = [topic(line) for line in crisis.resources_for("DE").resources]
    assert topics[topics.index(YOUTH) - 1] == CRISIS_NOW
    adult = [topic(line) for line in crisis.resources_for("DE", audience="adult").resources]
    assert adult.index(YOUTH) > adult.index(SUBSTANCE_USE)


@pytest.mark.parametrize(
    ("country", "pair"),
    [
        ("FI", ["MIELI Kriisipuhelin", "MIELI Kristelefon (Swedish)"]),
        ("GB", ["Samaritans", "Samaritans (Welsh language line)"]),
        ("ZM", ["Lifeline Zambia 933", "ChildLine Zambia"]),
    ],
)
def test_the_lines_of_one_service_stay_side_by_side(country: str, pair: list[str]) -> None:
    for audience in AUDIENCES_WITH_UNKNOWN:
        for languages in ((), ("sv",), ("en",)):
            shown = names(crisis.resources_for(country, audience=audience, languages=languages))
            assert abs(shown.index(pair[0]) - shown.index(pair[1])) == 1


@pytest.mark.parametrize(
    ("country", "language", "first"),
    [
        ("BE", "fr-BE", "Centre de Prévention du Suicide"),
        ("BE", "nl", "Zelfmoordlijn 1813"),
        ("FI", "sv_FI", "MIELI Kristelefon (Swedish)"),
        ("DE", "en", "International Helpline Berlin"),
    ],
)
def test_a_line_on_which_one_can_talk_in_ones_own_language_leads(
    country: str, language: str, first: str
) -> None:
    assert names(crisis.resources_for(country, languages=(language,)))[0] == first


def test_a_gambling_line_does_not_lead_because_of_its_language() -> None:
    line = Helpline(name="Bets", kinds=("gambling",), languages=("en",), hours="24/7")
    other = Helpline(name="Crisis", kinds=("crisis",), languages=("es",), hours="24/7")
    assert in_order((line, other), None, ("en",)) == (other, line)


def test_lines_for_everybody_come_before_those_for_a_few() -> None:
    shown = names(crisis.resources_for("US"))
    assert shown.index("988 Suicide & Crisis Lifeline") == 0
    assert shown.index("Crisis Text Line") < shown.index("Veterans Crisis Line (988 then press 1)")


def test_every_answer_says_that_numbers_change_and_almost_every_line_when_it_was_seen() -> None:
    for found in every_answer():
        assert "may have changed" in found.note
    lines = [line for group in BUNDLE.helplines.values() for line in group]
    assert sum(line.seen is not None for line in lines) > 0.9 * len(lines)


def test_country_codes_are_those_of_iso_3166() -> None:
    table = packaged.files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text()
    official = {row[:2] for row in table.splitlines() if row and not row.startswith("#")}
    assert official | {"XK"} == countries.COUNTRIES
    assert set(BUNDLE.helplines) - {"ZZ"} <= countries.COUNTRIES
    assert set(BUNDLE.emergency) <= countries.COUNTRIES
    assert len(BUNDLE.helplines) > 130
    assert len(BUNDLE.emergency) > 230


def test_the_guided_minute_lasts_a_minute_and_its_breaths_fit() -> None:
    screens = crisis.ONE_MINUTE_STEP.screens
    assert sum(screen.seconds for screen in screens) == 60
    assert len(screens) >= 4
    assert all(len(screen.text) <= 240 for screen in screens)
    for screen in screens:
        assert screen.breathe is None or screen.seconds % sum(screen.breathe) == 0


def test_the_emergency_number_is_on_the_first_screen_and_every_barrier_has_a_way_on() -> None:
    step = crisis.ONE_MINUTE_STEP
    assert "emergency number" in step.screens[0].text
    barriers = step.barrier.barriers
    assert len({barrier.id for barrier in barriers}) == len(barriers) >= 8
    assert all(barrier.ways and barrier.answer for barrier in barriers)
    quiet = next(barrier for barrier in barriers if barrier.id == "overheard")
    assert "call" not in quiet.ways


def test_a_step_can_be_left_out() -> None:
    assert crisis.resources_for("DE", step=None).step is None
    assert crisis.resources_for("DE", step=None).resources == crisis.resources_for("DE").resources


def test_an_answer_is_small_enough_for_an_acknowledgement() -> None:
    assert max(len(msgspec.json.encode(found)) for found in every_answer()) < 16_000


def test_an_offline_pack_is_read_back_by_who_knows_the_key() -> None:
    key = Ed25519PrivateKey.generate()
    pack = crisis.build_offline_pack(key.sign)
    content = crisis.read_offline_pack(pack, key.public_key().verify)
    assert content.bundle == BUNDLE
    assert content.step == crisis.ONE_MINUTE_STEP
    assert content.worried == crisis.WORRIED_ABOUT_SOMEONE


def test_an_app_keeps_its_pack_when_an_older_one_is_offered() -> None:
    key = Ed25519PrivateKey.generate()
    kept = crisis.read_offline_pack(crisis.build_offline_pack(key.sign), key.public_key().verify)
    older = msgspec.structs.replace(kept.bundle, built="2020-01-01")
    assert not crisis.is_newer(msgspec.structs.replace(kept, bundle=older), kept)
    assert crisis.is_newer(kept, kept)
    assert crisis.is_newer(kept, None)


def test_an_offline_pack_of_somebody_else_is_refused() -> None:
    pack = crisis.build_offline_pack(Ed25519PrivateKey.generate().sign)
    with pytest.raises(InvalidSignature):
        crisis.read_offline_pack(pack, Ed25519PrivateKey.generate().public_key().verify)


@pytest.mark.parametrize("change", [b"", b"no header\n{}", b"{}\n{}", b'{"format":1}\n'])
def test_what_is_no_pack_is_refused(change: bytes) -> None:
    with pytest.raises(crisis.BadPackError):
        crisis.read_offline_pack(change, Ed25519PrivateKey.generate().public_key().verify)


def test_a_number_changed_in_a_pack_is_noticed() -> None:
    key = Ed25519PrivateKey.generate()
    pack = crisis.build_offline_pack(key.sign).replace(b"0800 111 0 111", b"0900 111 0 111")
    with pytest.raises(crisis.BadPackError, match="damaged"):
        crisis.read_offline_pack(pack, key.public_key().verify)


def test_the_signed_bytes_are_the_same_in_every_process() -> None:
    program = "import sys; from domain.crisis.pack import offline_payload as p; sys.stdout.buffer.write(p())"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, cwd=PROJECT)
    assert other.stdout == offline_payload()
    assert (
        json.dumps(json.loads(other.stdout), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        == other.stdout.decode()
    )


def test_bad_data_is_refused_when_it_is_built() -> None:
    line = {"name": "Line", "kinds": ["crisis"], "languages": ["en"], "hours": None, "phone": "1"}
    wrong = [
        ({"Q1": [line]}, "not country codes"),
        ({"DE": [line | {"kinds": ["magic"]}]}, "Invalid enum value"),
        ({"DE": [line | {"phone": None}]}, "cannot be reached"),
        ({"DE": [line | {"hours": ""}]}, "length >= 1"),
        ({"DE": [line | {"website": "javascript:alert(1)"}]}, "matching regex"),
    ]
    for helplines, message in wrong:
        with pytest.raises(ValueError, match=message):
            load_bundle(json.dumps({"built": "2026-01-01", "emergency": {}, "helplines": helplines}).encode())


def test_building_twice_gives_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = {"country": "DE", "name": "Ä line", "kinds": ["crisis"], "languages": ["de"], "hours": None}
    entries = [line | {"phone": "1", "source": "a list", "seen": "2026-01", "confidence": "one source"}]
    (tmp_path / "helplines.json").write_text(json.dumps(entries))
    (tmp_path / "emergency.json").write_text('{"DE": ["112"]}')
    (tmp_path / "emergency_detail.json").write_text('{"DE": {"numbers": {"112": {"services": []}}}}')
    readme = "**Every entry must be checked.** Built 2026-01-02.\n\n## Sources and licences\n- a"
    (tmp_path / "README.md").write_text(readme)
    monkeypatch.setattr(sys, "argv", ["build", str(tmp_path)])
    made = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        monkeypatch.setattr(build, "DATA", folder)
        assert build.main() == 0
        made.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert made[0] == made[1]
    bundle = load_bundle(made[0]["resources.json"])
    assert bundle.built == "2026-01-02"
    assert bundle.helplines["DE"][0].name == "Ä line"
    assert b"a list" in made[0]["verify.csv"]


def test_the_operators_check_list_has_a_row_for_every_line_with_its_source() -> None:
    with (build.DATA / "verify.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(lines) for lines in BUNDLE.helplines.values())
    assert all(row["source"] for row in rows)


def test_a_lookup_touches_no_file_and_no_network() -> None:
    touched: list[str] = []
    watching = True
    sys.addaudithook(lambda event, _: touched.append(event) if watching else None)
    crisis.resources_for("GB", audience="youth", languages=("cy", "en"))
    crisis.resources_for(None)
    watching = False
    assert not [event for event in touched if event.startswith(("open", "socket", "subprocess", "os."))]


def test_the_command_line_prints_the_lines_of_a_country() -> None:
    printed = printed_for("--country", "DE")
    assert printed.startswith("DE: If a life is in danger, call 112 now.")
    assert "0800 111 0 111" in printed
    assert json.loads(printed_for("--country", "CH", "--json"))["country"] == "CH"


def printed_for(*arguments: str) -> str:
    """What the command line prints."""
    command = [sys.executable, "-m", "domain.crisis", *arguments]
    return subprocess.run(command, capture_output=True, check=True, cwd=PROJECT, text=True).stdout
