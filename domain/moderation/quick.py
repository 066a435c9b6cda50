"""The check in the request path: does this text call for crisis resources in the acknowledgement?

It sees less than the scan (words, word pairs, classes by Aho-Corasick, no clauses) and leans to offering
help; the scan that follows in the urgent lane decides everything else.
"""

import math
import re
from itertools import pairwise

import numpy as np

from domain.moderation import features, language, model
from domain.moderation.normal import fold
from domain.moderation.reading import LONG_WORDS

RECALL = 0.93
"""Share of held-out texts at risk that the threshold must find."""

MAX_CHARACTERS = 6000
SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?\n]+|$)")


def quick_check(text: str) -> bool:
    """Whether help belongs into the acknowledgement. High recall, moderate precision."""
    return asks_for_help(text, model.load())


def asks_for_help(text: str, trained: model.Model) -> bool:
    """The pre-check by a given model."""
    if not text.isascii() and language.crisis_words(text, "und"):
        return True
    return any(_margin(window, trained) >= trained.quick_cut for window, _ in windows(text))


def windows(text: str) -> list[tuple[set[int], bool]]:
    """Rows of the whole of a short text and, from three sentences on, of every pair of neighbours.

    Every sentence is taken apart once; two windows share it.
    """
    folded = fold(text[:MAX_CHARACTERS])
    parts = [features.quick(part) for part in SENTENCE.findall(folded) if part.strip()]
    inner = [(features.quick_window(pair), False) for pair in pairwise(parts)] if len(parts) > 2 else []
    if inner and folded.count(" ") >= LONG_WORDS:
        return inner
    return [(features.quick_window(parts), True), *inner]


def _margin(window: set[int], trained: model.Model) -> float:
    rows = np.fromiter(window, np.intp, len(window))
    total = float(trained.quick[rows].sum())
    return total / math.sqrt(max(1, len(window))) + trained.quick_bias
