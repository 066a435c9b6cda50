"""Word knowledge: classes, text-speak, known and sensitive words."""

import csv
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"
COMMON = 4000
WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
SENSITIVE_CLASSES = [
    "opioid",
    "benzo",
    "stimulant",
    "cannabis",
    "death",
    "suicide",
    "overdose",
    "swear",
    "insult",
    "group",
    "sexual",
    "sell",
    "platform",
    "kin",
    "killyourself",
    "selfinjury",
    "means",
    "medicine",
    "burden",
]


@cache
def classes() -> Mapping[str, frozenset[str]]:
    """Words and phrases of each class in `data/lexicon.toml`."""
    table = tomllib.loads((DATA / "lexicon.toml").read_text(encoding="utf-8"))["classes"]
    return {name: frozenset(_entries(text)) for name, text in table.items()}


def _entries(text: str) -> list[str]:
    return [" ".join(entry.split()) for entry in text.split(",") if entry.strip()]


@cache
def textspeak() -> Mapping[str, str]:
    """Short form → the words it stands for."""
    lines = (DATA / "textspeak.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split(" = ", 1) for line in lines if " = " in line and not line.startswith("#"))
    return {short.strip(): full.strip() for short, full in pairs}


@cache
def profanities() -> Mapping[str, float]:
    """Swear words of the public list → severity 1–3. Mild and ambiguous ones are left to the lexicon."""
    with (DATA / "profanity_en.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["text"].lower(), float(row["severity_rating"])) for row in csv.DictReader(file)]
    return {text: severity for text, severity in rows if WORD.fullmatch(text)}


@cache
def vocabulary() -> tuple[str, ...]:
    """Words of the training texts, most frequent first. Written by `domain.moderation.train`."""
    path = DATA / "vocabulary.txt"
    return tuple(path.read_text(encoding="utf-8").split()) if path.exists() else ()


@cache
def known() -> frozenset[str]:
    """Words that are read as they stand: the training vocabulary and every single word of the lexicon."""
    return (frozenset(vocabulary()) | _lexicon_words() | _severe()) - frozenset(textspeak())


@cache
def sensitive() -> frozenset[str]:
    """Words worth disguising: a censored or misspelt token is compared with these."""
    chosen = {word for name in SENSITIVE_CLASSES for entry in classes()[name] for word in WORD.findall(entry)}
    return frozenset(word for word in chosen | _severe() if len(word) >= 3)


@cache
def _severe() -> frozenset[str]:
    return frozenset(word for word, severity in profanities().items() if severity >= 1.6)


@cache
def _lexicon_words() -> frozenset[str]:
    entries = (entry for group in classes().values() for entry in group)
    return frozenset(word for entry in entries for word in WORD.findall(entry))


@cache
def correctable() -> frozenset[str]:
    """Words a slip of the finger is corrected to: common enough to be meant, long enough to be recognised."""
    chosen = {*vocabulary()[:COMMON], *sensitive(), *_lexicon_words()} - frozenset(textspeak())
    return frozenset(word for word in chosen if len(word) >= 5 and word.isalpha())
