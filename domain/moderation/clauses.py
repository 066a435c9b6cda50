"""Sentences and clauses of folded text, each with the cues that decide what its words mean.

A word list sees the same words in "I want to die" and "he wanted to die, he's fine now". What differs is who,
when, and in whose mouth: the cues of a clause say just that.
"""

import re
from functools import cache
from itertools import pairwise

import msgspec

from domain.moderation import words
from domain.moderation.normal import Normal

SENTENCE = re.compile(r"[^.!?\n]*(?:[.!?\n]+(?=[\s\"')]|$)|\.(?=\S)|[!?\n]+|$)[\"')]*\s*")
BREAK = re.compile(
    r"[,;:()]\s+|\s-+\s|\s(?=(?:but|because|though|although|so that|except|while|whereas|until|"
    r"unless|and then)\s)"
    r"|\s(?=and\s(?:i|i'm|i've|he|she|they|you|we|my|now|it)\b)"
)
QUOTE = re.compile(r"\"[^\"]{2,}\"|(?<![\w'])'[^']{4,}'(?!\w)")

SPOKEN = re.compile(r"\w|[^\x00-\x7f]")

FIRST = re.compile(r"\b(?:i|i'm|i've|i'd|i'll|me|my|myself|mine|im)\b")
SECOND = re.compile(r"\b(?:you|you're|you've|you'll|your|yours|yourself|you'd)\b")
THIRD = re.compile(
    r"\b(?:he|she|he's|she's|him|her|his|himself|herself|they|they're|their|them|themselves|"
    r"someone|somebody)\b"
)
WE = re.compile(r"\b(?:we|us|our|we're|we've)\b")
SUBJECT = re.compile(
    r"\b(?:(i|i'm|i've|i'd|i'll)|(you|you're|you've|you'll)|(he|she|he's|she's|they|they're|"
    r"someone|somebody)|(we|we're|we've))\b"
)
PAST = re.compile(
    r"\b(?:used to|years? ago|months ago|weeks ago|back then|back when|at the time|last (?:year|"
    r"month|summer|winter|spring|autumn|fall|decade)"
    r"|(?:a )?decades? ago|when i was|in (?:19|20)\d\d|in the past|no longer|(?:not|don't|never) "
    r"\w+ any ?more|those days|(?:the )?old me|once (?:tried|wanted|thought|took|felt)"
    r"|years? (?:back|clean|sober|since)|i survived|survivor|behind me|before (?:i got|recovery|"
    r"rehab|treatment|getting)|since then|at my (?:worst|lowest)|as a (?:kid|teen|teenager|child)|"
    r"looking back|long ago|in my (?:teens|twenties|thirties|addiction))\b"
)
PRESENT = re.compile(
    r"\b(?:now|tonight|today|tomorrow|this (?:morning|evening|second|moment|weekend)|currently|"
    r"still|again|minutes? ago|hours? ago|just|any minute|at the moment|already|soon|lately|these "
    r"days|anymore)\b"
)
PERFECT = re.compile(r"\b(?:was|were|had|did|wanted|tried|thought|felt|wished|took|attempted|planned|went)\b")
NEGATED = re.compile(
    r"\b(?:not|never|no|without|nobody|none|nothing|neither|nor|stopped|quit|refused?|hardly|cannot|\w+n't)\b"
)
REPORTED = re.compile(
    r"\b(?:said|says|say|saying|told|tells|tell|wrote|writes|texted|texts|messaged|posted|asked|"
    r"asks|yelled|shouted|screamed|called me|commented|lyrics?|quoted?|reads|read|heard|song|film|"
    r"movie|story|character|novel|book|chapter|episode|poem|sings|titled?)\b"
)
JOKING = re.compile(
    r"\b(?:lol|lmao|haha+|hahaha+|rofl|lmfao|joke|joking|jk|kidding|hilarious|hehe|ha ha|laughed|"
    r"laughing)\b|[😂🤣😅😆😜]"
)
QUESTION = re.compile(
    r"\?|^\s*(?:how|what|where|who|which|why|when|is|are|does|do|can|could|would|will|has|have|"
    r"any|anyone|anybody)\b"
)
CONDITION = re.compile(
    r"\b(?:if|unless|in case|whether|would|could|might|maybe|suppose|hypothetically|imagine)\b"
)
DENIED = re.compile(
    r"(?:\b(?:not|never|no|without|nothing)|n't) (?:\w+ ){0,3}?(?:suicidal|suicide|kill(?:ing)? myself|"
    r"end(?:ing)? it|die|dying|(?:hurt|harm|cut)(?:ing|ting)? myself|thoughts|intent|plan|danger|do anything|"
    r"overdose|overdosing|self harm)\b"
    r"|\b(?:i'm|i am|i feel) (?:safe|fine|okay|ok)\b"
)
CONTRAST = re.compile(r"\b(?:but|though|although|except|yet|however|lied|not sure)\b")
SPARED = re.compile(
    r"\b(?:clean|sober|free|proud|grateful|thankful|happy|glad|better|safe|recovered|healing|survived)\b"
)
CUE_PATTERNS = {
    "first": FIRST, "second": SECOND, "third": THIRD, "we": WE, "past": PAST,
    "present": PRESENT, "perfect": PERFECT, "negated": NEGATED,
    "reported": REPORTED, "denied": DENIED, "contrast": CONTRAST, "spared": SPARED,
    "joking": JOKING, "question": QUESTION, "conditional": CONDITION,
}  # fmt: skip
CUE_CLASSES = ("kin", "grief", "statistic", "idiom", "recovery", "fiction", "help", "antidote", "refusal")


class Clause(msgspec.Struct, frozen=True):
    """`text[start:end]` of the folded text: its `subject` (i, you, other, we, none) and the `cues` in it."""

    start: int
    end: int
    text: str
    subject: str
    cues: frozenset[str]


class Sentence(msgspec.Struct, frozen=True):
    start: int
    end: int
    clauses: tuple[Clause, ...]

    @property
    def cues(self) -> frozenset[str]:
        return frozenset().union(*(clause.cues for clause in self.clauses))


def split(normal: Normal) -> list[Sentence]:
    """Sentences in order; together they cover every character that is not blank."""
    quotes = [match.span() for match in QUOTE.finditer(normal.text)]
    found = [
        _sentence(normal.text, *match.span(), quotes)
        for match in SENTENCE.finditer(normal.text)
        if SPOKEN.search(match.group())
    ]
    return found or [_sentence(normal.text, 0, len(normal.text), quotes)]


def _sentence(text: str, start: int, end: int, quotes: list[tuple[int, int]]) -> Sentence:
    edges = [start, *(match.end() for match in BREAK.finditer(text, start, end)), end]
    clauses, subject = [], "none"
    for left, right in pairwise(edges):
        if text[left:right].strip():
            clause = _clause(text, left, right, subject, quotes)
            subject = clause.subject
            clauses.append(clause)
    return Sentence(start, end, tuple(clauses) or (_clause(text, start, end, "none", quotes),))


def _clause(text: str, start: int, end: int, inherited: str, quotes: list[tuple[int, int]]) -> Clause:
    part = text[start:end]
    cues = {name for name, pattern in CUE_PATTERNS.items() if pattern.search(part)}
    cues |= {name for name in CUE_CLASSES if class_pattern(name).search(part)}
    if any(left < end and start < right for left, right in quotes):
        cues.add("quoted")
    return Clause(start, end, part, _subject(part, inherited), frozenset(cues))


def _subject(part: str, inherited: str) -> str:
    pronoun = SUBJECT.search(part)
    kin = _owned_kin().search(part)
    if kin and (pronoun is None or kin.start() < pronoun.start()):
        return "other"
    if pronoun is None:
        return inherited
    return ("i", "you", "other", "we")[(pronoun.lastindex or 1) - 1]


@cache
def _owned_kin() -> re.Pattern[str]:
    kin = "|".join(sorted(map(re.escape, words.classes()["kin"]), key=len, reverse=True))
    return re.compile(rf"\b(?:my|our|his|her|their|a|an|the|this|that|some|your)\s(?:\w+\s)?(?:{kin})\b(?!')")


@cache
def class_pattern(name: str) -> re.Pattern[str]:
    """Any entry of a lexicon class as whole words."""
    entries = sorted(words.classes()[name], key=len, reverse=True)
    return re.compile(r"(?<![\w])(?:" + "|".join(map(re.escape, entries)) + r")(?![\w])")
