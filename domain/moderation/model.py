"""The shipped model: one row of small integers per hashed feature, one column per label.

A linear model over crossed features was kept because it says why: the weight of every feature that spoke for
a label can be read off, and the whole of it is a table of a few megabytes that numpy adds up in microseconds.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from domain.moderation import features, words
from domain.moderation.labels import LABELS, Label
from domain.moderation.policy import Level

Floats = NDArray[np.float32]
PATH = words.DATA / "model.npz"
READABLE = ("r:", "c:", "k:", "s:", "q:", "p:", "h:", "z:")


class Cut(msgspec.Struct, frozen=True):
    """Scores from which a label is possible, likely (it holds), firm and sure; its logistic calibration."""

    possible: float
    likely: float
    firm: float
    sure: float
    slope: float
    offset: float


class Model(msgspec.Struct, frozen=True):
    """`weights[row, label] * scale[label]` is the weight of a feature, `dense[:, label]` those of the vector;
    `quick` and `quick_cut` serve the pre-check.
    """

    weights: NDArray[np.int8]
    scale: Floats
    dense: Floats
    bias: Floats
    cuts: tuple[Cut, ...]
    quick: Floats
    quick_bias: float
    quick_cut: float

    def margins(self, groups: Mapping[str, set[str]], vector: Floats) -> Floats:
        """Raw score of every label for the features and the vector of one window."""
        total = np.zeros(len(LABELS), np.float32)
        for group in groups.values():
            if group:
                rows = np.fromiter((features.index(feature) for feature in group), np.intp, len(group))
                total += self.weights[rows].sum(axis=0, dtype=np.int64) / np.float32(len(group) ** 0.5)
        result: Floats = total * self.scale + vector @ self.dense + self.bias
        return result

    def scores(self, margins: Floats) -> dict[Label, float]:
        """Calibrated probabilities."""
        return {
            label: float(1 / (1 + np.exp(-(cut.slope * float(margin) + cut.offset))))
            for label, cut, margin in zip(LABELS, self.cuts, margins, strict=True)
        }

    def levels(self, scores: Mapping[Label, float]) -> dict[Label, Level]:
        """Levels of the labels that are at least possible."""
        graded = ((label, _level(cut, scores[label])) for label, cut in zip(LABELS, self.cuts, strict=True))
        return {label: level for label, level in graded if level}

    def spoken_for(self, label: Label, groups: Mapping[str, set[str]], limit: int = 3) -> list[str]:
        """The plain words and word pairs of a window that weigh most for a label, heaviest first."""
        column = LABELS.index(label)
        weighed = sorted(
            (
                (int(self.weights[features.index(word), column]), word)
                for word in _plain(groups.get("word", ()))
            ),
            reverse=True,
        )
        return [word for weight, word in weighed[:limit] if weight > 0]


def _plain(group: Iterable[str]) -> list[str]:
    return [
        word for word in group if "_" not in word and "^" not in word and "$" not in word and len(word) > 2
    ]


def _level(cut: Cut, score: float) -> Level | None:
    reached: list[tuple[Level, float]] = [
        ("sure", cut.sure),
        ("firm", cut.firm),
        ("likely", cut.likely),
        ("possible", cut.possible),
    ]
    return next((level for level, least in reached if score >= least), None)


@cache
def load() -> Model:
    """The model in `data/model.npz`, read once."""
    with np.load(PATH) as file:
        meta: dict[str, Any] = json.loads(bytes(file["meta"]).decode())
        return Model(
            weights=file["weights"],
            scale=file["scale"],
            dense=file["dense"],
            bias=file["bias"],
            cuts=msgspec.convert(meta["cuts"], tuple[Cut, ...]),
            quick=file["quick"].astype(np.float32) * np.float32(meta["quick_scale"]),
            quick_bias=meta["quick_bias"],
            quick_cut=meta["quick_cut"],
        )
