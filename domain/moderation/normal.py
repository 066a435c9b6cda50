"""Text as it was meant: disguises undone, with a map back to what was typed.

`normalise` folds compatibility forms (NFKC), look-alike letters, invisible characters, leet digits, spaced-
out letters, stretched letters, censored words and text-speak. Every character of the result remembers the
stretch of the original it came from, so that evidence found in the folded text can be shown, or masked, in
the original.
"""

import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache

import msgspec

from domain.moderation import disguise, words

INVISIBLE = frozenset(
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff"
)
LOOK_ALIKES = """
aаαɑ bвβƅ cсϲ dԁđ eеεɛ gɡց hһнħ iіιıí jј kкκ lӏⅼł mмm nпηո oоοσøօ pрρ qԛ rгr sѕ tтτŧ uυսц vνѵ wԝωա xхχ yуγү zᴢ
'‘’‛′ʼ`´ꞌ "“”„«» -–—―−‐‑
"""
CONFUSABLE = {ord(twin): group[0] for group in LOOK_ALIKES.split() for twin in group[1:]}
FOREIGN_SCRIPTS = ("CYRILLIC", "GREEK")
TOKEN = re.compile(r"\S+")
LATIN = re.compile("[A-Za-z]")
NOT_ASCII = re.compile(r"[^\x00-\x7f]")
BLANK = re.compile(r"(\s+)")
ODD = re.compile(r"(?<!\S)[!-_a-~]*[^\s!-_a-~]\S*|[^\S \n\t\r]")
"""What folds to more than small letters: tokens with a character beyond plain ones, and unusual blanks."""

EDGES = re.compile(r"^[\"'(\[{<*_~,.;:!?-]*(.*?)[\"')\]}>*_~,.;:!?-]*$", re.DOTALL)

Piece = tuple[str, int, int]


class Normal(msgspec.Struct, frozen=True):
    """Folded text. `starts[i]`/`ends[i]` bound the original characters that character `i` stands for."""

    original: str
    text: str
    starts: list[int]
    ends: list[int]
    disguised: list[tuple[int, int]]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original span of `text[start:end]`; an empty span for an empty stretch."""
        if start >= min(end, len(self.starts)):
            edge = self.starts[start] if start < len(self.starts) else len(self.original)
            return edge, edge
        return min(self.starts[start:end]), max(self.ends[start:end])

    def excerpt(self, start: int, end: int) -> str:
        """What the author typed where the folded text reads `text[start:end]`."""
        first, last = self.span(start, end)
        return self.original[first:last]


def normalise(text: str) -> Normal:
    """Fold `text`. Total: any string, also one with lone surrogates, gives a result."""
    plain = _plain(text)
    pieces, disguised = _unmask(plain)
    folded, starts, ends = [], [], []
    for piece, start, end in pieces:
        folded.append(piece)
        starts.extend([start] * len(piece))
        ends.extend([end] * len(piece))
    return Normal(text, "".join(folded), starts, ends, disguised)


def _plain(text: str) -> list[Piece]:
    if text.isascii():
        return [(ch, i, i + 1) for i, ch in enumerate(text.lower())]
    latin = _mostly_latin(text)
    plain: list[Piece] = []
    for token in re.finditer(r"\s+|\S+", text):
        mixed = latin or _has_latin(token.group())
        for i, original in enumerate(token.group(), token.start()):
            plain.extend((ch, i, i + 1) for ch in _fold(original, mixed))
    return plain


def _has_latin(token: str) -> bool:
    return any("a" <= ch <= "z" or "A" <= ch <= "Z" for ch in token)


def _mostly_latin(text: str) -> bool:
    """Whether look-alike letters are a disguise here. In a Russian sentence they are just letters."""
    foreign = sum(_script(ch) in FOREIGN_SCRIPTS for ch in NOT_ASCII.findall(text) if ch.isalpha())
    return foreign == 0 or len(LATIN.findall(text)) >= foreign


@lru_cache(maxsize=4096)
def _script(ch: str) -> str:
    return unicodedata.name(ch, "").split(" ")[0]


@lru_cache(maxsize=8192)
def _fold(ch: str, latin: bool) -> str:
    if ch in INVISIBLE or (unicodedata.category(ch) in ("Cf", "Cs", "Mn", "Me", "Cc") and ch not in "\n\t\r"):
        return ""
    folded = unicodedata.normalize("NFKC", ch).lower()
    if latin or _script(ch) not in FOREIGN_SCRIPTS:
        folded = folded.translate(CONFUSABLE)
    decomposed = unicodedata.normalize("NFKD", folded)
    return "".join(part for part in decomposed if unicodedata.category(part) != "Mn") if latin else folded


def _unmask(plain: list[Piece]) -> tuple[list[Piece], list[tuple[int, int]]]:
    """Replace spaced-out runs, then single disguised tokens; everything else passes through unchanged."""
    text = "".join(ch for ch, _, _ in plain)
    offsets = _offsets(plain)
    pieces: list[Piece] = []
    disguised: list[tuple[int, int]] = []
    position = 0
    for start, end, reading in disguise.phrases(text):
        _tokens(text, position, start, plain, offsets, pieces, disguised)
        span = plain[offsets[start]][1], plain[offsets[end - 1]][2]
        pieces.append((reading, *span))
        disguised.append(span)
        position = end
    _tokens(text, position, len(text), plain, offsets, pieces, disguised)
    return pieces, disguised


def _offsets(plain: list[Piece]) -> list[int]:
    """Index of the piece behind each character of the joined text (a piece is one or more characters)."""
    return [index for index, (ch, _, _) in enumerate(plain) for _ in ch]


def _tokens(
    text: str,
    position: int,
    stop: int,
    plain: list[Piece],
    offsets: list[int],
    pieces: list[Piece],
    disguised: list[tuple[int, int]],
) -> None:
    for match in TOKEN.finditer(text, position, stop):
        pieces.extend(plain[offsets[i]] for i in range(position, match.start()))
        position = match.end()
        edges = EDGES.match(match.group())
        core = edges.group(1) if edges else match.group()
        left = match.start() + (edges.start(1) if edges else 0)
        right = left + len(core)
        reading, hidden = _read(match.group(), core)
        if reading is None:
            pieces.extend(plain[offsets[i]] for i in range(match.start(), match.end()))
            continue
        if reading[0]:  # the whole token was read, punctuation included: "@ss", "a$$"
            left, right = match.start(), match.end()
        span = plain[offsets[left]][1], plain[offsets[right - 1]][2]
        pieces.extend(plain[offsets[i]] for i in range(match.start(), left))
        pieces.append((reading[1], *span))
        pieces.extend(plain[offsets[i]] for i in range(right, match.end()))
        if hidden:
            disguised.append(span)
    pieces.extend(plain[offsets[i]] for i in range(position, stop))


@lru_cache(maxsize=16384)
def _read(token: str, core: str) -> tuple[tuple[bool, str] | None, bool]:
    """How a token reads: (whole token?, words) or None when it is plain, and whether it was disguised."""
    if core in words.known():
        return None, False
    short = words.textspeak().get(core)
    if short is not None:
        return (None if short == core else (False, short)), False
    whole = disguise.uncensor(token) if token != core else None
    if whole:
        return (True, words.textspeak().get(whole, whole)), True
    reading = disguise.undo(core)
    if reading is None:
        return None, False
    return (False, words.textspeak().get(reading, reading)), True


def line_of(starts: list[int], position: int) -> int:
    """Index of the last start at or before `position`."""
    return max(bisect_right(starts, position) - 1, 0)


def fold(text: str) -> str:
    """The folded text alone, without the map: several times cheaper than `normalise`."""
    plain = text.lower() if text.isascii() else _plain_text(text)
    for start, end, reading in reversed(disguise.phrases(plain)):
        plain = plain[:start] + reading + plain[end:]
    return "".join(map(_fold_token, BLANK.split(plain)))


def _plain_text(text: str) -> str:
    """The text of `_plain`. Most tokens are plain even where some are not."""
    latin = _mostly_latin(text)

    def folded(token: re.Match[str]) -> str:
        mixed = latin or _has_latin(token.group())
        return "".join([_fold(ch, mixed) for ch in token.group()])

    return ODD.sub(folded, text).lower()


@lru_cache(maxsize=16384)
def _fold_token(token: str) -> str:
    if not token or token.isspace():
        return token
    edges = EDGES.match(token)
    core = edges.group(1) if edges else token
    reading, _ = _read(token, core)
    if reading is None:
        return token
    return reading[1] if reading[0] else token.replace(core, reading[1], 1)
