"""Disguised and misspelt copies of training texts, so that the model meets evasions of every label."""

import random
from collections.abc import Callable, Iterable, Iterator

import msgspec

from domain.moderation.corpus import Example

LEET = {"a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "t": "7", "l": "1"}
HOMOGLYPHS = {"a": "а", "e": "е", "o": "о", "c": "с", "i": "і", "p": "р", "x": "х", "y": "у"}
SHORT = {
    "you": "u",
    "your": "ur",
    "are": "r",
    "to": "2",
    "for": "4",
    "tonight": "2nite",
    "because": "cuz",
    "going": "gona",
}
SHARE_OF_LABELLED = 0.45
SHARE_OF_ORDINARY = 0.25
COPY_WEIGHT = 0.5


def augment(examples: Iterable[Example], seed: int = 0) -> Iterator[Example]:
    """Copies for a seeded share of the examples, in the family and at half the weight of the original."""
    chance = random.Random(seed)
    for example in examples:
        share = SHARE_OF_LABELLED if example.labels else SHARE_OF_ORDINARY
        if len(example.text) < 240 and chance.random() < share:
            disguise = chance.choice((leet, leet, typos, typos, space_out, homoglyphs, text_speak, stretch))
            text = disguise(example.text, chance)
            if text != example.text:
                yield msgspec.structs.replace(example, text=text, weight=example.weight * COPY_WEIGHT)


def _some_words(text: str, chance: random.Random, change: Callable[[str], str], share: float) -> str:
    return " ".join(
        change(word) if len(word) > 2 and chance.random() < share else word for word in text.split(" ")
    )


def leet(text: str, chance: random.Random) -> str:
    """`d1e`: digits and symbols for letters."""

    def swap(word: str) -> str:
        return "".join(
            chance.choice(LEET[ch.lower()]) if ch.lower() in LEET and chance.random() < 0.5 else ch
            for ch in word
        )

    return _some_words(text, chance, swap, 0.6)


def homoglyphs(text: str, chance: random.Random) -> str:
    """Cyrillic letters that look Latin."""
    return "".join(HOMOGLYPHS[ch] if ch in HOMOGLYPHS and chance.random() < 0.5 else ch for ch in text)


def space_out(text: str, chance: random.Random) -> str:
    """`d i e`, `d.i.e`: three words in separated letters."""
    gap = chance.choice((" ", ".", "-", "*"))
    parts = text.split(" ")
    start = chance.randrange(len(parts))
    spaced = [gap.join(word) if word.isalpha() else word for word in parts[start : start + 3]]
    joint = "   " if gap == " " else " "
    return " ".join((*parts[:start], joint.join(spaced), *parts[start + 3 :]))


def stretch(text: str, chance: random.Random) -> str:
    """`dieee`: letters drawn out."""

    def pull(word: str) -> str:
        at = chance.randrange(1, len(word))
        return word[:at] + word[at] * chance.randint(2, 4) + word[at + 1 :] if word[at].isalpha() else word

    return _some_words(text, chance, pull, 0.3)


def typos(text: str, chance: random.Random) -> str:
    """Dropped, swapped and doubled letters."""

    def slip(word: str) -> str:
        at = chance.randrange(1, len(word))
        kind = chance.randrange(3)
        if kind == 0:
            return word[:at] + word[at + 1 :]
        if kind == 1:
            return word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]
        return word[:at] + word[at - 1] + word[at:]

    return _some_words(text.lower(), chance, slip, 0.25)


def text_speak(text: str, chance: random.Random) -> str:
    """`u r goin 2`: no apostrophes, short forms."""
    lowered = text.lower().replace("'", "").replace(".", "").replace(",", "")
    shortened = " ".join(SHORT.get(word, word) for word in lowered.split(" "))
    return _some_words(shortened, chance, lambda word: word[:-1] if word.endswith("ing") else word, 0.8)
