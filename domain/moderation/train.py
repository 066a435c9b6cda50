"""`python -m domain.moderation.train`: rebuild `data/vocabulary.txt` and `data/model.npz` from the texts in
the repository.

Needs scikit-learn (extra `train`). Seeds are fixed: the same texts give the same files.
"""

import json
import random
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import scipy.optimize as optimize  # type: ignore[import-untyped]
import scipy.sparse as sparse  # type: ignore[import-untyped]
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from domain.moderation import augment, corpus, disguise, features, normal, quick, reading, words
from domain.moderation.corpus import Example
from domain.moderation.labels import AT_RISK, LABELS, Label
from domain.moderation.model import PATH, Cut, Model

FOLDS = 3
PUBLIC_ROWS = 4000
STRENGTH = 20.0
STEPS = 60
"""Steps of the optimiser in the second pass, which goes on where half as many of the first ended."""
LEAST_ROWS = 2
"""A feature of fewer windows is left out: it could only learn its text by heart."""
MEANING = 0.05
"""Spread of each part of the vectors beside hashed features. More drowns the words, less the meaning."""
POSITIVE_WEIGHT = 1.5
WINDOW_WEIGHT = 0.5
RECALL_WEIGHT: dict[Label, float] = {
    "self_harm_risk": 1.7,
    "overdose_risk": 1.6,
    "method_seeking": 1.5,
    "third_party_concern": 0.9,
    "harassment": 1.3,
    "sourcing": 1.4,
    "sexual_or_grooming": 1.4,
}
"""Beta of the F-measure that sets a label's threshold: a missed cry for help costs more than an offer not
needed. What only calls a moderator may also be called too often: to hold a text takes the *firm* threshold.
"""

EXPECTED_F = 0.85
"""The F-measure expected in use. For calibrated scores the best threshold is F / (1 + beta²), after Lipton,
Elkan and Naryanaswamy, "Optimal thresholding of classifiers to maximize F1 measure" (2014). Searching for the
best threshold on the corpus instead gives one that jumps about from one training to the next."""

CLEAR_MARGIN = -0.5
"""The strongest window of a labelled long text is learnt from only above this margin: where the risky line is
too subtle to be found, the loudest window is some ordinary line, and would be learnt as risky."""

FIRM_PRECISION = 0.85
SURE_PRECISION = 0.93
"""Share of right calls on held-out families from which a text may be held, and from which it may be hidden.
"""

Bools = NDArray[np.bool_]
Array = NDArray[np.float64]


class Design(msgspec.Struct, frozen=True):
    """The training matrix: one row per window, of hashed features and of vectors. `owner` is the example of a
    row, `whole` marks whole texts.
    """

    examples: list[Example]
    matrix: sparse.csr_matrix
    dense: NDArray[np.float32]
    owner: NDArray[np.int64]
    whole: Bools

    @property
    def labels(self) -> Bools:
        return np.array([[label in example.labels for label in LABELS] for example in self.examples])

    @property
    def known(self) -> Bools:
        return np.array([[label in example.known for label in LABELS] for example in self.examples])

    @property
    def weight(self) -> Array:
        return np.array([example.weight for example in self.examples])

    @property
    def fold(self) -> NDArray[np.int64]:
        """The third of the families that an example belongs to; third 0 is the validation third."""
        return np.array([zlib.crc32(example.family.encode()) % FOLDS for example in self.examples])

    def part(self, chosen: Bools) -> "Design":
        """The rows of some examples."""
        rows = chosen[self.owner]
        renumbered = np.cumsum(chosen) - 1
        kept = [example for example, keep in zip(self.examples, chosen, strict=True) if keep]
        owner = renumbered[self.owner[rows]]
        return Design(kept, self.matrix[rows], self.dense[rows], owner, self.whole[rows])

    def best(self, margins: Array) -> Array:
        """Margins of texts from margins of windows: the strongest window speaks for its text."""
        result = np.full((len(self.examples), margins.shape[1]), -np.inf)
        np.maximum.at(result, self.owner, margins)
        return result


def join(parts: Sequence[Design]) -> Design:
    """Several designs as one."""
    offsets = np.cumsum([0, *(len(part.examples) for part in parts)])
    return Design(
        [example for part in parts for example in part.examples],
        sparse.vstack([part.matrix for part in parts]).tocsr(),
        np.concatenate([part.dense for part in parts]),
        np.concatenate([part.owner + offset for part, offset in zip(parts, offsets, strict=False)]),
        np.concatenate([part.whole for part in parts]),
    )


Seen = tuple[dict[int, float], NDArray[np.float32], bool]
"""Features of a window as row: value, its vector, and whether it is the whole text."""
NO_VECTOR = np.zeros(0, np.float32)


def full_windows(text: str) -> list[Seen]:
    """Every window of a text as the scan sees it."""
    return [(_row(window.groups), window.vector, window.whole) for window in reading.read(text).windows()]


def quick_windows(text: str) -> list[Seen]:
    """Every window of a text as the pre-check sees it, which knows no vectors."""
    seen = ((sorted(window), whole) for window, whole in quick.windows(text))
    return [(dict.fromkeys(rows, max(1, len(rows)) ** -0.5), NO_VECTOR, whole) for rows, whole in seen]


def design(examples: Iterable[Example], windows: Callable[[str], list[Seen]] = full_windows) -> Design:
    """Take every example apart and hash its features."""
    kept = list(examples)
    columns: list[int] = []
    values: list[float] = []
    vectors: list[NDArray[np.float32]] = []
    ends, owner, whole = [0], [], []
    for number, example in enumerate(kept):
        for row, vector, is_whole in windows(example.text):
            columns.extend(row)
            values.extend(row.values())
            vectors.append(vector)
            ends.append(len(columns))
            owner.append(number)
            whole.append(is_whole)
    shape = (len(owner), 1 << features.BITS)
    matrix = sparse.csr_matrix((np.array(values, np.float32), np.array(columns), np.array(ends)), shape=shape)
    return Design(kept, matrix, np.stack(vectors), np.array(owner), np.array(whole))


def _row(groups: dict[str, set[str]]) -> dict[int, float]:
    row: dict[int, float] = {}
    for group in groups.values():
        for feature in sorted(group):
            place = features.index(feature)
            row[place] = row.get(place, 0.0) + 1 / len(group) ** 0.5
    return row


class Weights(msgspec.Struct, frozen=True):
    """What was learnt, one column per label: weights of hashed features, of vectors, and biases."""

    hashed: Array
    dense: Array
    bias: Array

    def margins(self, data: Design) -> Array:
        """Margins of every window."""
        result: Array = data.matrix @ self.hashed + data.dense @ self.dense + self.bias
        return result


def fit(data: Design, labels: Bools, known: Bools) -> Weights:
    """Weights of every label.

    Windows of a text are negatives of the labels it does not have; of those it has, the window that the first
    pass finds strongest, if clear enough, counts as positive in a second pass.
    """
    owned, usable = labels[data.owner], known[data.owner]
    weight = np.outer(
        data.weight[data.owner] * np.where(data.whole, 1.0, WINDOW_WEIGHT), np.ones(owned.shape[1])
    )
    weight = weight * np.where(owned, POSITIVE_WEIGHT, 1.0)
    clear = usable & (data.whole[:, None] | ~owned)
    first, found = _regress(data, owned, weight * clear, STEPS // 2)
    chosen = _strongest(data, first.margins(data), usable & ~data.whole[:, None] & owned)
    return _regress(data, owned, weight * (clear | chosen), STEPS, found)[0]


def _strongest(data: Design, margins: Array, inner: Bools) -> Bools:
    """Of every text and label the strongest of the `inner` windows, where it is clear enough."""
    candidates = np.where(inner & (margins > CLEAR_MARGIN), margins, -np.inf)
    best = data.best(candidates)[data.owner]
    result: Bools = (candidates == best) & np.isfinite(candidates)
    return result


def _regress(
    data: Design, positive: Bools, weight: Array, steps: int, start: Array | None = None
) -> tuple[Weights, Array]:
    """Logistic regression with a quadratic penalty, every label at once; a window of weight 0 is unknown.

    Also gives the point that was reached, from which another call with the same windows can go on.
    """
    common = np.flatnonzero(np.bincount(data.matrix.indices, minlength=data.matrix.shape[1]) >= LEAST_ROWS)
    matrix = data.matrix[:, common].tocsr()
    centre, spread = data.dense.mean(axis=0), data.dense.std() / MEANING if data.dense.size else 1.0
    dense = (data.dense - centre) / np.float32(spread)
    if start is None:
        start = np.zeros((len(common) + dense.shape[1] + 1, positive.shape[1]))
    found = _minimise(matrix, dense, positive, weight.astype(np.float32), steps, start)
    hashed = np.zeros((data.matrix.shape[1], positive.shape[1]))
    hashed[common] = found[: len(common)]
    vectors = found[len(common) : -1] / spread
    return Weights(hashed, vectors, found[-1] - centre @ vectors), found


def _minimise(
    matrix: sparse.csr_matrix,
    dense: NDArray[np.float32],
    positive: Bools,
    weight: NDArray[np.float32],
    steps: int,
    start: Array,
) -> Array:
    """Rows of weights: hashed features, vectors, the bias. Single precision: it is half as dear."""
    turned, sign = matrix.T.tocsr(), np.where(positive, 1, -1).astype(np.float32)
    width, columns = matrix.shape[1], positive.shape[1]

    def loss(flat: Array) -> tuple[float, Array]:
        point = flat.reshape(-1, columns).astype(np.float32)
        signed = sign * (matrix @ point[:width] + dense @ point[width:-1] + point[-1])
        push = -STRENGTH * weight * sign / (1 + np.exp(np.clip(signed, -50, 50)))
        slope = np.concatenate([turned @ push, dense.T @ push, push.sum(axis=0, keepdims=True)]) + point
        wrong = float((weight * np.logaddexp(0, -signed)).sum(dtype=np.float64))
        penalty = float((point * point).sum(dtype=np.float64)) / 2
        return STRENGTH * wrong + penalty, slope.astype(np.float64).ravel()

    options = {"maxiter": steps, "maxcor": 6}
    found = optimize.minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    result: Array = found.x.reshape(-1, columns)
    return result


def held_out_margins(judged: Design, extra: Design, copies: Design, labels: Bools, known: Bools) -> Array:
    """Margins of every judged text by a model that has seen no member of its family, copies included.

    `labels` and `known` are those of the three designs one after the other.
    """
    margins = np.zeros((len(judged.examples), labels.shape[1]))
    everything = join([judged, extra, copies])
    folds = np.concatenate([judged.fold, np.full(len(extra.examples), -1), copies.fold])
    for fold in range(FOLDS):
        weights = fit(everything.part(folds != fold), labels[folds != fold], known[folds != fold])
        margins[judged.fold == fold] = judged.best(weights.margins(judged))[judged.fold == fold]
    return margins


def calibrate(margins: Array, labels: Bools) -> tuple[Cut, ...]:
    """Logistic calibration and thresholds from held-out margins."""
    return tuple(_cut(label, margins[:, column], labels[:, column]) for column, label in enumerate(LABELS))


def _cut(label: Label, margins: Array, positive: Bools) -> Cut:
    platt = LogisticRegression(C=1e4).fit(margins[:, None], positive)
    slope, offset = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    scores = 1 / (1 + np.exp(-(slope * margins + offset)))
    likely = EXPECTED_F / (1 + RECALL_WEIGHT.get(label, 1.0) ** 2)
    firm = max(likely, _precise(scores, positive, FIRM_PRECISION))
    sure = max(firm, _precise(scores, positive, SURE_PRECISION))
    return Cut(min(likely, _recalled(scores, positive, 0.95)), likely, firm, sure, slope, offset)


def _precise(scores: Array, positive: Bools, precision: float) -> float:
    order = np.argsort(-scores)
    reached = np.flatnonzero(np.cumsum(positive[order]) / np.arange(1, len(order) + 1) >= precision)
    return float(scores[order][reached[-1]]) if len(reached) else 1.0


def _recalled(scores: Array, positive: Bools, recall: float) -> float:
    return float(np.quantile(scores[positive], 1 - recall))


def write_vocabulary(examples: Iterable[Example]) -> None:
    """Count the words of ordinary texts; disguised spellings stay rare enough to be left out."""
    counts: Counter[str] = Counter()
    for example in examples:
        counts.update(set(words.WORD.findall(example.text.lower().replace("’", "'"))))
    chosen = [
        word for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if count >= 3
    ]
    (words.DATA / "vocabulary.txt").write_text("\n".join(chosen) + "\n", encoding="utf-8")
    forget()


def forget() -> None:
    """Drop everything remembered about the vocabulary."""
    for module in (words, disguise, normal):
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


def sample_public() -> list[Example]:
    """A seeded sample of the public rows."""
    rows = corpus.public()
    return random.Random(0).sample(rows, PUBLIC_ROWS)


def speaking(examples: Iterable[Example]) -> list[Example]:
    """Sources whose words are worth knowing: everything but tweets full of odd spellings."""
    return [example for example in examples if example.source != "davidson"]


def at_risk(data: Design) -> Bools:
    """One column: whether somebody may be in danger."""
    return np.array([[bool(example.labels & AT_RISK)] for example in data.examples])


def risk_known(data: Design) -> Bools:
    return np.array(
        [[example.known >= AT_RISK or bool(example.labels & AT_RISK)] for example in data.examples]
    )


def train(own: Sequence[Example], public: Sequence[Example]) -> tuple[Model, Array, Design]:
    """A model, the held-out margins its thresholds were set on, and the design of the project's own texts."""
    copies = list(augment.augment(own))
    judged, extra, disguised = design(own), design(public), design(copies)
    everything = join([judged, extra, disguised])
    margins = held_out_margins(judged, extra, disguised, everything.labels, everything.known)
    cuts = calibrate(margins, judged.labels)
    weights = fit(everything, everything.labels, everything.known)
    small, scale = _quantise(weights.hashed)
    dense, bias = weights.dense.astype(np.float32), weights.bias.astype(np.float32)
    model = Model(small, scale, dense, bias, cuts, *_train_quick(own, public, copies))
    return model, margins, judged


def _quantise(weights: Array) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    top = np.abs(weights).max(axis=0)
    top[top == 0] = 1.0
    return np.rint(weights / top * 127).astype(np.int8), (top / 127).astype(np.float32)


def _train_quick(
    own: Sequence[Example], public: Sequence[Example], copies: Sequence[Example]
) -> tuple[NDArray[np.float32], float, float]:
    judged, extra, disguised = (design(examples, quick_windows) for examples in (own, public, copies))
    everything = join([judged, extra, disguised])
    risk, known = at_risk(everything), risk_known(everything)
    margins = held_out_margins(judged, extra, disguised, risk, known)[:, 0]
    positive = at_risk(judged)[:, 0]
    weights = fit(everything, risk, known)
    return (
        weights.hashed[:, 0].astype(np.float32),
        float(weights.bias[0]),
        float(np.quantile(margins[positive], 1 - quick.RECALL)),
    )


def save(model: Model, path: Path = PATH) -> None:
    """Write the model; equal models give equal bytes."""
    top = float(np.abs(model.quick).max()) or 1.0
    meta = {
        "cuts": msgspec.to_builtins(model.cuts),
        "quick_scale": top / 127,
        "quick_bias": model.quick_bias,
        "quick_cut": model.quick_cut,
    }
    np.savez_compressed(
        path,
        weights=model.weights,
        scale=model.scale,
        dense=model.dense,
        bias=model.bias,
        quick=np.rint(model.quick / top * 127).astype(np.int8),
        meta=np.frombuffer(json.dumps(meta).encode(), np.uint8),
    )


def summary(margins: Array, data: Design, cuts: Sequence[Cut]) -> str:
    """Precision, recall and F1 of every label on held-out families, as lines of text."""
    lines = []
    for column, (label, cut) in enumerate(zip(LABELS, cuts, strict=True)):
        said = 1 / (1 + np.exp(-(cut.slope * margins[:, column] + cut.offset))) >= cut.likely
        is_so = data.labels[:, column]
        both = int((said & is_so).sum())
        precision, recall = both / max(1, int(said.sum())), both / max(1, int(is_so.sum()))
        lines.append(f"{label:22} precision {precision:.3f} recall {recall:.3f} of {int(is_so.sum())}")
    return "\n".join(lines)


def main() -> None:
    """Train on everything in the repository and write the two files."""
    own = [*corpus.families(), *corpus.development()]
    public = sample_public()
    write_vocabulary(speaking([*corpus.families(), *corpus.public()]))
    model, margins, judged = train(own, public)
    save(model)
    sys.stdout.write(
        f"{len(own)} own texts, {len(public)} public ones\n{summary(margins, judged, model.cuts)}\n"
    )


if __name__ == "__main__":
    main()
