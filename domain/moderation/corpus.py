"""The training texts: own families, the development set, and public data as weak evidence."""

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from domain.moderation import words
from domain.moderation.labels import CODES, LABELS, Label

CORPUS = Path(__file__).parent / "corpus"
NEAR = 0.5
"""Share of common word pairs above which two texts are as good as the same."""
BLIND_PARTS = ("a", "b", "c", "d")
PUBLIC_WEIGHT = 0.25
"""Public rows are labelled by others, for other purposes: one of ours counts as four of theirs."""


class Example(msgspec.Struct, frozen=True):
    """A text. `known` are the labels its source says anything about; outside of it a missing label means
    nothing.
    """

    text: str
    labels: frozenset[Label]
    known: frozenset[Label]
    family: str
    source: str
    weight: float = 1.0

    @property
    def validates(self) -> bool:
        """Whether its family belongs to the third that is kept for validation."""
        return zlib.crc32(self.family.encode()) % 3 == 0


class CorpusError(ValueError):
    """A line of the corpus cannot be read: file, line number and what is wrong."""


def families(folder: Path = CORPUS) -> Iterator[Example]:
    """Every line of `folder/*.txt`."""
    for path in sorted(folder.glob("*.txt")):
        yield from _read(path)


def _read(path: Path) -> Iterator[Example]:
    family = path.stem
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("#"):
            family = line[1:].split("|")[0].strip()
        elif line.strip():
            codes, separator, text = line.partition(": ")
            if not separator or not text.strip():
                raise CorpusError(f"{path.name}:{number}: expected `codes: text`")
            yield _example(text, codes, family, f"{path.name}:{number}")


def _example(text: str, codes: str, family: str, place: str) -> Example:
    try:
        labels = frozenset(CODES[code] for code in codes.split() if code != "ok")
    except KeyError as error:
        raise CorpusError(f"{place}: unknown code {error}") from error
    return Example(text.replace("\\n", "\n"), labels, frozenset(LABELS), family, "corpus")


def development() -> list[Example]:
    """The development set; each note is a family of its own kind, each row a family of one."""
    lines = (words.DATA / "dev.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [
        Example(row["text"], frozenset(row["labels"]), frozenset(LABELS), f"dev-{number}", row["note"])
        for number, row in enumerate(rows)
    ]


def blind(part: str) -> list[Example]:
    """One of `BLIND_PARTS` of the texts that only judge: nothing is ever trained on them."""
    lines = (words.DATA / "blind.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["part"] == part]
    return [
        Example(
            row["text"], frozenset(row["labels"]), frozenset(LABELS), f"blind-{part}-{number}", row["note"]
        )
        for number, row in enumerate(rows)
    ]


def without_near(examples: Iterable[Example], judged: Iterable[Example]) -> list[Example]:
    """The examples that share no more than half of their word pairs with any text they will be judged by."""
    seen = [_pairs(example.text) for example in judged]
    holders: dict[tuple[str, ...], list[int]] = {}
    for place, pairs in enumerate(seen):
        for pair in pairs:
            holders.setdefault(pair, []).append(place)
    return [example for example in examples if not _is_near(_pairs(example.text), seen, holders)]


def _is_near(
    pairs: frozenset[tuple[str, ...]],
    seen: Sequence[frozenset[tuple[str, ...]]],
    holders: Mapping[tuple[str, ...], Sequence[int]],
) -> bool:
    shared = Counter(place for pair in pairs for place in holders.get(pair, ()))
    return any(count > NEAR * len(pairs | seen[place]) for place, count in shared.items())


def _pairs(text: str) -> frozenset[tuple[str, ...]]:
    found = words.WORD.findall(text.lower())
    return frozenset(pairwise(found)) or frozenset((word,) for word in found)


def public() -> list[Example]:
    """Openly licensed texts mapped to our labels (see data/NOTICE); the development set is left out of it."""
    with gzip.open(words.DATA / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [
        Example(
            row["text"],
            frozenset(row["labels"]),
            frozenset(row["known"]),
            f"{row['source']}-{number}",
            row["source"],
            PUBLIC_WEIGHT,
        )
        for number, row in enumerate(rows)
        if row["source"] != "dev"
    ]
