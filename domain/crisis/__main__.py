"""Print the crisis resources of a country: `python -m domain.crisis --country DE`."""

import argparse
import sys
from collections.abc import Iterator

import msgspec

from domain.crisis.bundle import Helpline
from domain.crisis.resources import CrisisResources, resources_for


def main() -> None:
    """Print what the product would send, for reading or (`--json`) as it is on the wire."""
    arguments = parse_arguments()
    found = resources_for(arguments.country, audience=arguments.audience, languages=arguments.language)
    if arguments.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in page(found))


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m domain.crisis", description=__doc__)
    parser.add_argument("--country", help="ISO 3166 code; worldwide when left out or unknown")
    parser.add_argument("--audience", choices=["adult", "youth"])
    parser.add_argument("--language", action="append", default=[], help="BCP 47 tag; may be repeated")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def page(found: CrisisResources) -> Iterator[str]:
    """The resources as lines of text."""
    yield f"{found.country}: {found.emergency_note}"
    for number in found.emergency_services:
        yield f"  {number.number}  {', '.join(number.services) or 'general'}"
    for line in found.resources:
        yield ""
        yield from entry(line)
    yield ""
    yield found.note


def entry(line: Helpline) -> Iterator[str]:
    """One helpline as lines of text."""
    yield f"{line.name} ({', '.join(line.kinds)})"
    audience = f" · for {line.audience}" if line.audience else ""
    yield f"  {line.hours or 'hours not known'} · {', '.join(line.languages) or 'many languages'}{audience}"
    for label, value in (
        ("call", line.phone),
        ("text", line.sms),
        ("chat", line.chat_url),
        ("web", line.website),
    ):
        if value:
            yield f"  {label}  {value}"
    yield f"  seen {line.seen or 'at an unknown date'}"


if __name__ == "__main__":
    main()
