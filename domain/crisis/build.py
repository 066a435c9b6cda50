"""Make the bundled data from the researched one: `python -m domain.crisis.build SOURCE_DIR`.

The source folder holds `helplines.json`, `emergency.json`, `emergency_detail.json` and `README.md`. What is
written depends on nothing else, so the same source gives the same bytes. The package reads its data when it
is imported, so a change of the shape in `domain.crisis.bundle` has to read the old data too.
"""

import csv
import io
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from domain.crisis.bundle import load_bundle

DATA = Path(__file__).parent / "data"
SHIPPED = (
    "name",
    "kinds",
    "languages",
    "hours",
    "phone",
    "phone_e164",
    "sms",
    "chat_url",
    "website",
    "audience",
    "seen",
)
CHECKED = ("country", "name", "phone", "sms", "hours", "confidence", "number_check", "seen", "source")
REQUIRED = frozenset({"hours"})  # unknown is said, not left out

Entry = Mapping[str, Any]


def main() -> int:
    """Write resources.json, SOURCES.md and verify.csv."""
    if len(sys.argv) != 2:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    source = Path(sys.argv[1])
    lines = json.loads((source / "helplines.json").read_text())
    readme = (source / "README.md").read_text()
    (DATA / "resources.json").write_bytes(bundle(lines, emergency_numbers(source), built_on(readme)))
    (DATA / "SOURCES.md").write_text(sources(readme))
    (DATA / "verify.csv").write_text(check_list(lines))
    return 0


def bundle(lines: Sequence[Entry], emergency: Mapping[str, Any], built: str) -> bytes:
    """The data file. Raises ValueError when the source breaks a rule of domain.crisis.bundle."""
    helplines: dict[str, list[Entry]] = {}
    for line in lines:
        helplines.setdefault(line["country"], []).append(shipped(line))
    content = {"built": built, "emergency": emergency, "helplines": dict(sorted(helplines.items()))}
    text = msgspec.json.format(msgspec.json.encode(content), indent=0) + b"\n"
    load_bundle(text)
    return text


def shipped(line: Entry) -> dict[str, Any]:
    """The fields of one entry that the product shows."""
    fields = {name: line[name] for name in SHIPPED if name in REQUIRED or line.get(name) is not None}
    if fields.get("audience") == "worldwide":
        del fields["audience"]  # says nothing about who may call
    return fields


def emergency_numbers(source: Path) -> Mapping[str, Any]:
    """Each country's numbers in the order to try them, with the services of each."""
    order = json.loads((source / "emergency.json").read_text())
    detail = json.loads((source / "emergency_detail.json").read_text())
    return {
        country: [
            {"number": number, "services": detail[country]["numbers"][number]["services"]}
            for number in numbers
        ]
        for country, numbers in sorted(order.items())
    }


def built_on(readme: str) -> str:
    """The day on which the source says it was put together."""
    found = re.search(r"Built (\d{4}-\d\d-\d\d)", readme)
    if found is None:
        raise ValueError("the README does not say when the data was built")
    return found[1]


def sources(readme: str) -> str:
    """The parts of the source's README that have to travel with the data."""
    parts = re.split(r"^## ", readme, flags=re.MULTILINE)
    wanted = [
        part for part in parts if part.startswith(("Sources and licences", "Known gaps", "How confidence"))
    ]
    warning = next(line for line in readme.splitlines() if line.startswith("**Every entry"))
    head = f"# Where the crisis resources come from\n\nWritten by `domain.crisis.build`.\n\n{warning}\n\n"
    return head + "".join(f"## {part.rstrip()}\n\n" for part in wanted).rstrip() + "\n"


def check_list(lines: Sequence[Entry]) -> str:
    """One row per entry for the operator who calls the numbers before a release."""
    text = io.StringIO()
    rows = csv.DictWriter(text, CHECKED, extrasaction="ignore", lineterminator="\n")
    rows.writeheader()
    rows.writerows(lines)
    return text.getvalue()


if __name__ == "__main__":
    sys.exit(main())
