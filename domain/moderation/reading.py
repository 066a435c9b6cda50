"""A text taken apart once: folded, split, with its contacts and rule hits, and the windows the model looks
at.
"""

from collections.abc import Sequence

import msgspec

from domain.moderation import clauses, contacts, encoder, features, rules
from domain.moderation.clauses import Sentence
from domain.moderation.contacts import Contact
from domain.moderation.encoder import Floats
from domain.moderation.normal import Normal, normalise
from domain.moderation.rules import Hit

MAX_SENTENCES = 150
"""Later sentences of a longer text are not looked at; 5,000 characters rarely have more."""
LONG_WORDS = 30


class Window(msgspec.Struct, frozen=True):
    """A stretch of sentences, its features by group, and the vector of its meaning."""

    start: int
    end: int
    groups: dict[str, set[str]]
    vector: Floats
    whole: bool


class Reading(msgspec.Struct, frozen=True):
    normal: Normal
    sentences: list[Sentence]
    contacts: list[Contact]
    hits: list[Hit]

    def windows(self) -> list[Window]:
        """The whole of a short text; from three sentences on, every pair of neighbours.

        One risky line in a long post must not drown, most lines need the one before to be understood, and the
        ordinary lines around a risky one must not come to look risky themselves: a long text has no whole.
        """
        many = len(self.sentences) >= 3
        whole = [self.sentences] if not many or self.normal.text.count(" ") < LONG_WORDS else []
        last = min(len(self.sentences), MAX_SENTENCES) - 1 if many else 0
        parts = [*whole, *(self.sentences[first : first + 2] for first in range(last))]
        spans = [(part[0].start, part[-1].end) for part in parts]
        vectors = encoder.vectors(self.normal.text, spans)
        return [
            self._window(part, vector, whole=number < len(whole))
            for number, (part, vector) in enumerate(zip(parts, vectors, strict=True))
        ]

    def _window(self, sentences: Sequence[Sentence], vector: Floats, *, whole: bool) -> Window:
        groups = features.extract(self.normal, sentences, self.hits, self.contacts)
        return Window(sentences[0].start, sentences[-1].end, groups, vector, whole)


def read(text: str) -> Reading:
    """Take `text` apart."""
    normal = normalise(text)
    sentences = clauses.split(normal)
    hits = [hit for sentence in sentences[:MAX_SENTENCES] for hit in rules.fire(sentence, normal.text)]
    return Reading(normal, sentences, contacts.find(normal), hits)
