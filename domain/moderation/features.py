"""What the model sees of a stretch of text: words, their classes, who does what and when, letters, evidence.

Every feature is a short string; `index` hashes it into the table of weights. Groups are kept apart so that
each can be scaled to unit length: a long post must not weigh more than a short one merely by being long.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from zlib import crc32

import ahocorasick
import msgspec

from domain.moderation import words
from domain.moderation.clauses import Clause, Sentence
from domain.moderation.contacts import Contact
from domain.moderation.normal import Normal
from domain.moderation.rules import Hit

BITS = 18
MASK = (1 << BITS) - 1
TOKEN = re.compile(r"[a-z]+_|[a-z]+(?:'[a-z]+)?|\d+|[^\w\s]|[^\x00-\x7f]+")
SUFFIX = re.compile(r"(?:'s|ings?|ed|es|s|ly)$")
TELLING = ("first", "second", "third", "past", "kin", "negated", "question", "present")
EDGE_PUNCTUATION = frozenset("\"'()[]{}*_~-,;:`.")


def extract(
    normal: Normal, sentences: Sequence[Sentence], hits: Iterable[Hit], found: Sequence[Contact]
) -> dict[str, set[str]]:
    """Features of some sentences of a text by group; hits and contacts outside of them are left out."""
    start, end = sentences[0].start, sentences[-1].end
    text = _placeholders(normal.text, start, end, found)
    tokens = [token for token in TOKEN.findall(text) if token not in EDGE_PUNCTUATION]
    classed = _classed(tokens)
    return {
        "word": _word_features(tokens),
        "class": _class_features(classed),
        "cue": set().union(*(_cue_features(clause) for sentence in sentences for clause in sentence.clauses)),
        "char": _char_features(tokens),
        "scene": _scene_features(sentences, [hit for hit in hits if start <= hit.start < end]),
        "rule": _rule_features(hits, start, end) | _shape_features(normal, start, end, tokens),
    }


def index(feature: str) -> int:
    """Row of a feature in the weight table."""
    return crc32(_bytes(feature)) & MASK


def _placeholders(text: str, start: int, end: int, found: Sequence[Contact]) -> str:
    parts, position = [], start
    for contact in found:
        if contact.start >= position and contact.end <= end:
            parts += [text[position : contact.start], f" {contact.kind}_ "]
            position = contact.end
    return "".join((*parts, text[position:end]))


def _word_features(tokens: Sequence[str]) -> set[str]:
    padded = ["^", *map(_number, tokens), "$"]
    features = {*padded, *_pairs(padded), *_gaps(padded)}
    features.update(f"{a} {b} {c}" for a, b, c in zip(padded, padded[1:], padded[2:], strict=False))
    features.update(f"{a} __ {b}" for a, b in zip(padded, padded[3:], strict=False))
    return features


def _number(token: str) -> str:
    return f"#{min(len(token), 5)}" if token.isdigit() else token


def stem(word: str) -> str:
    """A crude stem: enough to put `swallowing` beside `swallow`."""
    cut = SUFFIX.sub("", word)
    return cut if len(cut) >= 3 else word


Item = tuple[str, tuple[str, ...]]
"""A token or a class entry as the model sees it: its stem or `<class>`, and all of its classes."""


@cache
def _automaton() -> ahocorasick.Automaton:
    """Class entries as token sequences joined by blanks: characters, tokens, the item they make."""
    entries: dict[str, list[str]] = {}
    for name, group in words.classes().items():
        for entry in group:
            key = " ".join(TOKEN.findall(entry))
            if key:
                entries.setdefault(f" {key} ", []).append(name)
    automaton = ahocorasick.Automaton()
    for key, names in entries.items():
        automaton.add_word(key, (len(key), key.count(" ") - 1, (f"<{names[0]}>", tuple(names))))
    automaton.make_automaton()
    return automaton


def _classed(tokens: Sequence[str]) -> list[Item]:
    """The tokens with the longest class entries merged into one item."""
    joined = f" {' '.join(tokens)} "
    best: dict[int, tuple[int, Item]] = {}
    for last, (characters, length, item) in _automaton().iter(joined):
        first = joined.count(" ", 0, last - characters + 1)
        if first not in best or length > best[first][0]:
            best[first] = length, item
    items: list[Item] = []
    done = 0
    for first in sorted(best):
        if first >= done:
            length, item = best[first]
            items.extend(map(_single, tokens[done:first]))
            items.append(item)
            done = first + length
    items.extend(map(_single, tokens[done:]))
    return items


@lru_cache(maxsize=16384)
def _single(token: str) -> Item:
    return stem(_number(token)), ()


def _class_features(items: Sequence[Item]) -> set[str]:
    sequence = ["^", *(name for name, _ in items), "$"]
    features = {f"c:{a}" for a in sequence}
    features.update(f"c:{a} {b}" for a, b in pairwise(sequence))
    features.update(f"c:{a} {b} {c}" for a, b, c in zip(sequence, sequence[1:], sequence[2:], strict=False))
    features.update(
        f"c:{a} {b} {c} {d}"
        for a, b, c, d in zip(sequence, sequence[1:], sequence[2:], sequence[3:], strict=False)
    )
    features.update(f"c:{a} _ {b}" for a, b in zip(sequence, sequence[2:], strict=False))
    features.update(f"c:{a} __ {b}" for a, b in zip(sequence, sequence[3:], strict=False))
    features.update(f"k:{name}" for _, names in items for name in names)
    return features


def _cue_features(clause: Clause) -> set[str]:
    """Who and when crossed with what, within one clause."""
    tokens = [token for token in TOKEN.findall(clause.text) if token not in EDGE_PUNCTUATION]
    items = _classed(tokens)
    named = sorted({name for _, names in items for name in names})
    tense = "past" if "past" in clause.cues else "present" if "present" in clause.cues else "plain"
    features = {f"s:{clause.subject}", f"s:{clause.subject}|{tense}"} | {f"q:{cue}" for cue in clause.cues}
    for name in named:
        features |= {f"s:{clause.subject}|{name}", f"s:{clause.subject}|{tense}|{name}"}
        features |= {f"q:{cue}|{name}" for cue in clause.cues}
    features |= {f"p:{a}&{b}" for i, a in enumerate(named) for b in named[i + 1 :]}
    features |= {f"s:{clause.subject}|{stem(token)}" for token in tokens if token.isalpha()}
    return features


def _scene_features(sentences: Sequence[Sentence], inside: Iterable[Hit]) -> set[str]:
    """What only shows across clauses: a denial and the `but` after it, evidence and who else is there."""
    clauses = [clause for sentence in sentences for clause in sentence.clauses]
    cues = sorted(set().union(*(clause.cues for clause in clauses)))
    features = {f"w:{a}&{b}" for i, a in enumerate(cues) for b in cues[i + 1 :]}
    features |= {f"v:{hit.label}|{cue}" for hit in inside for cue in cues}
    features |= {f"v:{hit.label}|no {cue}" for hit in inside for cue in TELLING if cue not in cues}
    subjects = [clause.subject for clause in clauses[:6]]
    return features | {f"w:{a}>{b}" for a, b in pairwise(["^", *subjects, "$"])}


def _char_features(tokens: Sequence[str]) -> set[str]:
    features: set[str] = set()
    for token in tokens:
        padded = f"<{token}>"
        features.update(padded[i : i + n] for n in (3, 4, 5) for i in range(len(padded) - n + 1))
    return {f"h:{gram}" for gram in features}


def _rule_features(hits: Iterable[Hit], start: int, end: int) -> set[str]:
    inside = [hit for hit in hits if start <= hit.start < end]
    features = {f"r:{hit.label}|{hit.name}{'|but' if hit.vetoed else ''}" for hit in inside}
    return features | {f"r:{hit.label}{'|but' if hit.vetoed else ''}" for hit in inside}


def _shape_features(normal: Normal, start: int, end: int, tokens: Sequence[str]) -> set[str]:
    typed = normal.excerpt(start, end)
    letters = [ch for ch in typed if ch.isalpha()]
    shape = {f"z:len{min(len(tokens).bit_length(), 7)}"}
    if len(letters) > 8 and sum(ch.isupper() for ch in letters) > 0.7 * len(letters):
        shape.add("z:caps")
    if any(start <= first and last <= end for first, last in normal.disguised):
        shape.add("z:disguised")
    shape |= {f"z:{token}" for token in tokens if token.endswith("_")}
    if tokens and len(set(tokens)) * 2 < len(tokens):
        shape.add("z:repeats")
    if typed.count("!") >= 2:
        shape.add("z:shout")
    return shape


Spelling = tuple[int, int, bytes, int]
"""Checksums of `token` and `token _` and the bytes of ` token`, to hash pairs with; the row of `token`."""


class Part(msgspec.Struct, frozen=True):
    """What the pre-check sees of one sentence: rows of features, and the words at both ends for the seams."""

    rows: set[int]
    head: tuple[Spelling, ...]
    tail: tuple[Spelling, ...]


def quick(sentence: str) -> Part:
    """The cheap features of the pre-check: words, pairs, pairs with a gap, classes and pairs of them.

    Rows are those of `index`. A checksum goes on from that of the token before, so no pair is ever spelt out.
    """
    tokens = [
        token if token.isalpha() else _number(token)
        for token in TOKEN.findall(sentence)
        if token not in EDGE_PUNCTUATION
    ]
    spelt = [*map(_spelt, tokens)]
    items = [*map(_spelt_item, _classed(tokens))]
    rows = {
        *[row for _, _, _, row in spelt],
        *[crc32(b[2], a[0]) & MASK for a, b in pairwise(spelt)],
        *[crc32(b[2], a[1]) & MASK for a, b in zip(spelt, spelt[2:], strict=False)],
        *[crc32(b[1], a[0]) & MASK for a, b in pairwise(items)],
        *[row for _, _, classes in items if classes for row in classes],
    }
    return Part(rows, tuple(spelt[:2]), tuple(spelt[-2:]))


def quick_window(parts: Sequence[Part]) -> set[int]:
    """Rows of some neighbouring sentences, with those of the pairs that reach across or to an end."""
    heads, tails = (
        [*(part.head for part in parts), (_spelt("$"),)],
        [(_spelt("^"),), *(part.tail for part in parts)],
    )
    return set().union(*(part.rows for part in parts), *map(_seam, tails, heads))


def _seam(tail: tuple[Spelling, ...], head: tuple[Spelling, ...]) -> list[int]:
    """Rows of the pair, and of the pairs with a gap, that begin in `tail` and end in `head`."""
    if not tail or not head:
        return []
    near = [*tail, *head]
    first = max(0, len(tail) - 2)
    gaps = [
        crc32(b[2], a[1]) & MASK for a, b in zip(near[first : len(tail)], near[first + 2 :], strict=False)
    ]
    return [crc32(head[0][2], tail[-1][0]) & MASK, *gaps]


@lru_cache(maxsize=16384)
def _spelt(token: str) -> Spelling:
    data = _bytes(token)
    return crc32(data), crc32(data + b" _"), b" " + data, crc32(data) & MASK


@lru_cache(maxsize=16384)
def _spelt_item(item: Item) -> tuple[int, bytes, tuple[int, ...]]:
    """The checksum that a pair goes on from, the bytes it goes on with, and the rows of the classes."""
    name, classes = item
    data = _bytes(name)
    return crc32(b"c:" + data), b" " + data, tuple(index(f"k:{group}") for group in classes)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _pairs(tokens: Sequence[str]) -> list[str]:
    return [f"{a} {b}" for a, b in pairwise(tokens)]


def _gaps(tokens: Sequence[str]) -> list[str]:
    return [f"{a} _ {b}" for a, b in zip(tokens, tokens[2:], strict=False)]
