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
"""Later sentences of a longer text are only seen as part of the whole; 5,000 characters rarely have more."""


class Window(msgspec.Struct, frozen=True):
    """A stretch of sentences and its features by group."""

    start: int
    end: int
    groups: dict[str, set[str]]


class Reading(msgspec.Struct, frozen=True):
    normal: Normal
    sentences: list[Sentence]
    contacts: list[Contact]
    hits: list[Hit]

    def windows(self) -> Iterator[Window]:
        """The whole text, then, from three sentences on, every pair of neighbours: one risky line in a long
        post must not drown, and most lines need the one before to be understood."""
        yield self._window(self.sentences)
        if len(self.sentences) >= 3:
            for first in range(min(len(self.sentences), MAX_SENTENCES) - 1):
                yield self._window(self.sentences[first : first + 2])

    def _window(self, sentences: list[Sentence]) -> Window:
        groups = features.extract(self.normal, sentences, self.hits, self.contacts)
        return Window(sentences[0].start, sentences[-1].end, groups)


def read(text: str) -> Reading:
    """Take `text` apart."""
    normal = normalise(text)
    sentences = clauses.split(normal)
    hits = [hit for sentence in sentences[:MAX_SENTENCES] for hit in rules.fire(sentence, normal.text)]
    return Reading(normal, sentences, contacts.find(normal), hits)
