"""A text taken apart once: folded, split, with its contacts and rule hits, and the windows the model looks
at.
"""

from collections.abc import Iterator

import msgspec

from domain.moderation import clauses, contacts, features, rules
from domain.moderation.clauses import Sentence
from domain.moderation.contacts import Contact
from domain.moderation.normal import Normal, normalise
from domain.moderation.rules import Hit

MAX_SENTENCES = 150
"""Later sentences of a longer text are not looked at; 5,000 characters rarely have more."""
LONG_WORDS = 30


class Window(msgspec.Struct, frozen=True):
    """A stretch of sentences and its features by group."""

    start: int
    end: int
    groups: dict[str, set[str]]
    whole: bool


class Reading(msgspec.Struct, frozen=True):
    normal: Normal
    sentences: list[Sentence]
    contacts: list[Contact]
    hits: list[Hit]

    def windows(self) -> Iterator[Window]:
        """The whole of a short text; from three sentences on, every pair of neighbours.

        One risky line in a long post must not drown, most lines need the one before to be understood, and the
        ordinary lines around a risky one must not come to look risky themselves: a long text has no whole.
        """
        many = len(self.sentences) >= 3
        if not many or self.normal.text.count(" ") < LONG_WORDS:
            yield self._window(self.sentences, whole=True)
        if many:
            for first in range(min(len(self.sentences), MAX_SENTENCES) - 1):
                yield self._window(self.sentences[first : first + 2], whole=False)

    def _window(self, sentences: list[Sentence], *, whole: bool) -> Window:
        groups = features.extract(self.normal, sentences, self.hits, self.contacts)
        return Window(sentences[0].start, sentences[-1].end, groups, whole)


def read(text: str) -> Reading:
    """Take `text` apart."""
    normal = normalise(text)
    sentences = clauses.split(normal)
    hits = [hit for sentence in sentences[:MAX_SENTENCES] for hit in rules.fire(sentence, normal.text)]
    return Reading(normal, sentences, contacts.find(normal), hits)
