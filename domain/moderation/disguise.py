"""Disguised spellings of single words: leet, spacing, stretching, censoring and slips of the finger."""

import re
from collections.abc import Iterator
from functools import cache

from domain.moderation import words

LEET = str.maketrans("013456789@$!|+€£", "oieasgtbgasiltel")
LEET_ALTERNATIVES = (LEET, str.maketrans("01345789@$!|+", "olzastbgasllt"))
LEET_TOKEN = re.compile(r"(?=.*[a-z])(?=.*[0-9@$!|+€£])[a-z0-9@$!|+€£]{2,24}(?:'[a-z]+)?")
MEASURE = re.compile(
    r"\d+(?:st|nd|rd|th|mgs?|mcg|g|kg|ml|l|cl|oz|lbs?|am|pm|h|hrs?|m|mins?|s|d|w|k|x|yo|yr|yrs|y|"
    r"f|c|%)|[a-z]\d+|\d+[a-z]?"
)
LONE = re.compile(r"(?<![^\s\"'(])[^\W_](?=[ .\-_*+~|/,·•])")
SPACED = re.compile(r"(?<![^\s\"'(])(?:[^\W_](?:[ ]{1,3}|[.\-_*+~|/,·•]{1,2})){2,60}[^\W_](?![^\W_])")
CENSORED = re.compile(r"[a-z]+[*#@$!%.\-_]+[a-z*#@$!%.\-_]*|[*#@$!%]+[a-z]+[a-z*#@$!%]*")
DIGIT_WORD = re.compile(
    r"(?:(?<=\bwant )|(?<=\bwants )|(?<=\bneed )|(?<=\bgoing )|(?<=\btrying )|(?<=\bused )|"
    r"(?<=\bway )|(?<=\bways )|(?<=\bhow )|(?<=\bhave )"
    r"|(?<=\blike )|(?<=\btime )|(?<=\bready )|(?<=\bhard )|(?<=\bnice ))(2)(?= [a-z])"
    r"|(?<![\w.,/-])(4)(?= (?:sale|me|you|u|ur|your|my|real|ever|free|a|the|it|this|him|her|them)\b)"
)
DIGIT_SOUND = {"2": "to", "4": "for"}
SOUNDING_DIGIT = re.compile("[24]")
STRETCHED = re.compile(r"([a-z])\1{2,}")
DOUBLED = re.compile(r"([a-z])\1+")
SHORT_RUNS = frozenset(["kys", "kms", "ctb", "sex", "die", "fuk", "fck", "wtf", "ded", "pic", "cut"])
GLUE = frozenset(["i", "to", "my", "me", "myself", "you", "your", "yourself", "the", "all", "it", "want"])
MIN_FUZZY = 5


def phrases(text: str) -> list[tuple[int, int, str]]:
    """Disguises wider than a token, in order: spaced-out letters, digits that stand for `to` and `for`."""
    return _without_overlaps(sorted([*spaced_runs(text), *_digit_words(text)]))


def _digit_words(text: str) -> Iterator[tuple[int, int, str]]:
    """The many looks behind are only worth it at a digit."""
    for place in SOUNDING_DIGIT.finditer(text):
        if DIGIT_WORD.match(text, place.start()):
            yield *place.span(), DIGIT_SOUND[place.group()]


def _without_overlaps(found: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    kept: list[tuple[int, int, str]] = []
    for item in found:
        if not kept or item[0] >= kept[-1][1]:
            kept.append(item)
    return kept


def spaced_runs(text: str) -> Iterator[tuple[int, int, str]]:
    """Runs of separated single letters that read as words: (start, end, reading)."""
    end = 0
    for lone in LONE.finditer(text):
        match = SPACED.match(text, lone.start()) if lone.start() >= end else None
        if match:
            end = match.end()
            reading = _read_run(match.group())
            if reading:
                yield match.start(), end, reading


def _read_run(run: str) -> str | None:
    if sum(ch.isalpha() for ch in run) * 3 < sum(ch.isalnum() for ch in run) * 2:
        return None
    parts = [_join(part) for part in re.split(r" {2,}", run)]
    if len(parts) > 1 and min(map(len, parts)) < 2 and run.count("  ") == len(re.findall(" +", run)):
        parts = ["".join(parts)]  # every gap is wide: the gaps are letter spacing, not word spacing
    found = [_segment(part, part_of_run=len(parts) > 1) for part in parts]
    return " ".join(reading for reading in found if reading) if all(found) else None


def _join(part: str) -> str:
    joined = re.sub(r"[^a-z0-9]", "", part)
    return joined.translate(LEET) if re.search("[a-z]", joined) else joined


def _segment(joined: str, *, part_of_run: bool = False) -> str | None:
    """Cut joined letters into the fewest known words; None when they are not words."""
    if len(joined) <= 3:
        short = words.textspeak().get(joined, joined)
        return short if part_of_run or joined in SHORT_RUNS else None
    vocabulary = _joinable()
    best: list[tuple[int, list[str]] | None] = [(0, []), *[None] * len(joined)]
    for end in range(1, len(joined) + 1):
        for start in range(max(0, end - 14), end):
            before, word = best[start], joined[start:end]
            if before is None or not _is_word(word, vocabulary):
                continue
            cost = before[0] + (2 if len(word) > 1 else 3)
            current = best[end]
            if current is None or cost < current[0]:
                best[end] = cost, [*before[1], word]
    found = best[-1]
    if found is None or found[0] * 1.2 > len(joined) + 3:
        return None
    return " ".join(words.textspeak().get(word, word) for word in found[1])


@cache
def _joinable() -> frozenset[str]:
    return words.known() | words.sensitive()


def _is_word(word: str, vocabulary: frozenset[str]) -> bool:
    return word in ("i", "a", "u") if len(word) == 1 else word in vocabulary or word in words.textspeak()


def undo(token: str) -> str | None:
    """The word behind a disguised token, or None when it reads as it stands."""
    for attempt in (_unleet, _unstretch, uncensor, _unhyphen, _unjoin, _unslip):
        reading = attempt(token)
        if reading and reading != token:
            return reading
    return None


def _unleet(token: str) -> str | None:
    if not LEET_TOKEN.fullmatch(token) or MEASURE.fullmatch(token):
        return None
    readings = [token.translate(table) for table in LEET_ALTERNATIVES]
    for reading in (*readings, *[DOUBLED.sub(r"\1", reading) for reading in readings]):
        if reading in words.known() or reading in words.sensitive() or reading in words.textspeak():
            return words.textspeak().get(reading, reading)
    letters = sum(ch.isalpha() for ch in token)
    inner = re.search(r"[a-z][0-9@$!|]+[a-z]", token)
    slip = _unslip(readings[0]) if letters >= 3 else None
    return slip or (readings[0] if inner and letters >= 3 and not re.search(r"\d{2}", token) else None)


def _unstretch(token: str) -> str | None:
    if not STRETCHED.search(token) or token.startswith("www"):
        return None
    for reading in (STRETCHED.sub(r"\1\1", token), STRETCHED.sub(r"\1", token), DOUBLED.sub(r"\1", token)):
        if reading in words.known() or reading in words.sensitive() or reading in words.textspeak():
            return words.textspeak().get(reading, reading)
    return STRETCHED.sub(r"\1", token)


def uncensor(token: str) -> str | None:
    """The sensitive word behind `f*ck`, `s**t`, `k#ll`; each mark stands for at most three letters."""
    if not CENSORED.fullmatch(token) or not re.search(r"[*#@$!%]", token) or token.startswith("@"):
        return _symbol_first(token)
    pattern = re.compile("".join("[a-z]" if ch in "*#@$!%" else re.escape(ch) for ch in token.rstrip(".-_")))
    for word in _sensitive_by_ends().get((token[0], len(token)), ()):
        if pattern.fullmatch(word):
            return word
    loose = re.compile(re.sub(r"[*#@$!%]+", "[a-z]{1,4}", re.sub(r"[.\-_]", "", token)))
    return next((word for word in _censorable() if loose.fullmatch(word)), None)


def _symbol_first(token: str) -> str | None:
    if not re.fullmatch(r"[@$!][a-z$@!]{2,}", token):
        return None
    reading = token.translate(LEET)
    return reading if reading in words.sensitive() else None


@cache
def _sensitive_by_ends() -> dict[tuple[str, int], list[str]]:
    index: dict[tuple[str, int], list[str]] = {}
    for word in sorted(words.sensitive(), key=lambda word: (word not in _censorable(), word)):
        index.setdefault((word[0], len(word)), []).append(word)
    return index


@cache
def _censorable() -> tuple[str, ...]:
    core = (
        "fuck fucking fucked fucker shit shitty bitch cunt asshole dick cock pussy whore slut "
        "kill killing suicide suicidal die dying cocaine heroin meth weed nudes porn sex "
        "bastard bullshit motherfucker overdose nigger faggot retard rape"
    )
    return tuple(core.split())


def _unhyphen(token: str) -> str | None:
    """`sui-cide`, `k-ill`: joined it is a sensitive word, in parts it is not."""
    if not re.fullmatch(r"[a-z]+(?:[.\-_*/]+[a-z]+)+", token):
        return None
    joined = re.sub(r"[^a-z]", "", token)
    parts = re.split(r"[^a-z]+", token)
    ordinary = all(part in words.known() for part in parts)
    return joined if joined in words.sensitive() and not ordinary else None


def _unjoin(token: str) -> str | None:
    """`killmyself`: two or more known words written as one, at least one of them sensitive."""
    if not 7 <= len(token) <= 40 or not token.isascii() or not token.isalpha():
        return None
    reading = _segment(token)
    parts = reading.split() if reading else []
    glued = any(part in GLUE for part in parts) and any(part in words.sensitive() for part in parts)
    return reading if glued and len(token) >= 3 * len(parts) else None


def _unslip(token: str) -> str | None:
    """The nearest known word one slip away (drop, double, swap); None for short or foreign tokens."""
    if len(token) < MIN_FUZZY or not token.isascii() or not token.isalpha():
        return None
    candidates = {word for key in _deletions(token) for word in _slips().get(key, ())}
    near = [word for word in candidates if word != token and _one_slip(token, word)]
    return max(
        near, key=lambda word: (word in words.sensitive(), -abs(len(word) - len(token)), word), default=None
    )


def _deletions(word: str) -> set[str]:
    return {word} | {word[:i] + word[i + 1 :] for i in range(len(word))}


@cache
def _slips() -> dict[str, list[str]]:
    index: dict[str, list[str]] = {}
    for word in words.correctable():
        for key in _deletions(word):
            index.setdefault(key, []).append(word)
    return index


def _one_slip(typed: str, meant: str) -> bool:
    """Whether a missing letter, a doubled letter or a neighbour swap explains the difference.

    Substitutions and endings are left alone: `waved` is not `saved`, `regrets` is not `regret`.
    """
    if abs(len(typed) - len(meant)) > 1 or typed[0] != meant[0]:
        return False
    head = next(
        (i for i, (a, b) in enumerate(zip(typed, meant, strict=False)) if a != b), min(len(typed), len(meant))
    )
    a, b = typed[head:], meant[head:]
    missing = a == b[1:] and (bool(a) or b not in "sdry")
    doubled = a[1:] == b and bool(b) and a[0] == typed[head - 1]
    return missing or doubled or (a[:2] == b[:2][::-1] and a[2:] == b[2:])
