"""Meaning of words in their sentence: the first layers of a public sentence encoder, cut small.

Hashed words know only words that were trained on. These vectors put `gulped` beside `swallowed`: they come
from a network that has read a billion sentence pairs (all-MiniLM-L6-v2, see data/NOTICE), of which the first
two of six layers and the word pieces of our texts are kept. Its weights are never trained here.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import msgspec
import numpy as np
import threadpoolctl
from numpy.typing import NDArray

from domain.moderation import words

Floats = NDArray[np.float32]
PATH = words.DATA / "encoder.npz"
WIDTH = 384
HEADS = 12
BLOCK = 126
"""Word pieces looked at together: attention costs the square of it, and nobody's sentence is longer."""
MAX_PIECES = 2000
"""Pieces of a text that are encoded; 5,000 characters are about 1,300. Later windows read as silence."""
LONGEST_WORD = 40
START, STOP, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
WORD = re.compile(r"[^\W_]+|[^\w\s]|_")
TINY, HALF = np.float32(1e-12), np.float32(0.5)
GELU = np.float32(0.7978845608), np.float32(0.044715)


class Layer(msgspec.Struct, frozen=True):
    """One transformer layer: matrices as input × output, with their biases."""

    mix: tuple[Floats, Floats]
    out: tuple[Floats, Floats]
    norm_out: tuple[Floats, Floats]
    widen: tuple[Floats, Floats]
    narrow: tuple[Floats, Floats]
    norm_narrow: tuple[Floats, Floats]


class Encoder(msgspec.Struct, frozen=True):
    """`rows` finds the row of a word piece in `table`; `places` has the vectors of the positions."""

    rows: Mapping[str, int]
    table: Floats
    places: Floats
    norm: tuple[Floats, Floats]
    layers: tuple[Layer, ...]

    def states(self, pieces: Sequence[int]) -> Floats:
        """A vector per word piece of one block, the pieces around it taken into account."""
        framed = [self.rows[START], *pieces, self.rows[STOP]]
        hidden = _normed(self.table[framed] + self.places[: len(framed)], self.norm)
        for layer in self.layers:
            hidden = _through(layer, hidden)
        return hidden[1:-1]


def vectors(text: str, spans: Sequence[tuple[int, int]]) -> Floats:
    """The mean vector of each span of a folded text; zeros for a span without words."""
    pieces, starts = _spelled(text)
    sums = np.zeros((len(pieces) + 1, WIDTH), np.float32)
    for first in range(0, len(pieces), BLOCK):
        sums[first + 1 : first + BLOCK + 1] = load().states(pieces[first : first + BLOCK])
    np.cumsum(sums, axis=0, out=sums)
    edges = [(bisect_left(starts, start), bisect_left(starts, end)) for start, end in spans]
    result: Floats = np.stack([(sums[right] - sums[left]) / max(1, right - left) for left, right in edges])
    return result


def _spelled(text: str) -> tuple[list[int], list[int]]:
    """Word pieces of a text and, for each, where its word begins."""
    pieces: list[int] = []
    starts: list[int] = []
    for match in WORD.finditer(text):
        spelling = spell(match.group())
        pieces += spelling
        starts += [match.start()] * len(spelling)
        if len(pieces) >= MAX_PIECES:
            break
    return pieces[:MAX_PIECES], starts[:MAX_PIECES]


@lru_cache(maxsize=16384)
def spell(word: str) -> tuple[int, ...]:
    """Rows of the longest known pieces that make up a word, from the left; else the unknown piece."""
    rows, start = [], 0
    known = load().rows
    while start < len(word) and len(word) <= LONGEST_WORD:
        mark = "##" if start else ""
        end = next((end for end in range(len(word), start, -1) if mark + word[start:end] in known), start)
        if end == start:
            break
        rows.append(known[mark + word[start:end]])
        start = end
    return tuple(rows) if start == len(word) else (known[UNKNOWN],)


def _through(layer: Layer, hidden: Floats) -> Floats:
    length, head = len(hidden), WIDTH // HEADS
    mixed = (hidden @ layer.mix[0] + layer.mix[1]).reshape(length, 3, HEADS, head).transpose(1, 2, 0, 3)
    asked, offered, value = mixed
    near: Floats = asked @ offered.transpose(0, 2, 1) * np.float32(head**-0.5)
    attention = _softmax(near)
    seen = (attention @ value).transpose(1, 0, 2).reshape(length, WIDTH)
    hidden = _normed(seen @ layer.out[0] + layer.out[1] + hidden, layer.norm_out)
    wide = _gelu(hidden @ layer.widen[0] + layer.widen[1])
    return _normed(wide @ layer.narrow[0] + layer.narrow[1] + hidden, layer.norm_narrow)


def _softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    result: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return result


def _gelu(values: Floats) -> Floats:
    """The smooth gate of the published network, by its usual approximation with tanh; in place."""
    bent = GELU[1] * values
    bent *= values
    bent *= values
    bent += values
    bent *= GELU[0]
    np.tanh(bent, out=bent)
    bent += np.float32(1)
    values *= HALF
    values *= bent
    return values


def _normed(values: Floats, scale: tuple[Floats, Floats]) -> Floats:
    values -= np.add.reduce(values, axis=-1, keepdims=True) / np.float32(WIDTH)
    spread = np.add.reduce(values * values, axis=-1, keepdims=True) / np.float32(WIDTH)
    values /= np.sqrt(spread + TINY)
    values *= scale[0]
    values += scale[1]
    return values


@cache
def load() -> Encoder:
    """The encoder in `data/encoder.npz`, read once. Matrices are kept as bytes with a scale per column.

    From here on numpy multiplies in one thread: matrices of a dozen rows take ten times as long in several
    that wait for each other, and a worker's other cores belong to its other jobs.
    """
    threadpoolctl.threadpool_limits(1, user_api="blas")  # type: ignore[no-untyped-call]
    with np.load(PATH) as file:
        meta: dict[str, Any] = json.loads(bytes(file["meta"]).decode())
        layers = tuple(
            Layer(*(_pair(file, f"{number}.{part}") for part in Layer.__struct_fields__))
            for number in range(meta["layers"])
        )
        rows, places = {piece: row for row, piece in enumerate(meta["pieces"])}, file["places"]
        table, norm = _matrix(file, "table"), _pair(file, "norm")
    return Encoder(rows, table, places, norm, _side_by_side(layers))


def _side_by_side(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """The same matrices in one stretch of memory, large enough for huge pages: a text finds them sooner."""
    room = np.empty(sum(pair[0].size for layer in layers for pair in _pairs(layer)), np.float32)
    end = 0

    def placed(matrix: Floats) -> Floats:
        nonlocal end
        begin, end = end, end + matrix.size
        view: Floats = room[begin:end].reshape(matrix.shape, order="F")
        view[:] = matrix
        return view

    return tuple(Layer(*((placed(matrix), bias) for matrix, bias in _pairs(layer))) for layer in layers)


def _pairs(layer: Layer) -> list[tuple[Floats, Floats]]:
    return [getattr(layer, part) for part in Layer.__struct_fields__]


def _pair(file: Mapping[str, Any], name: str) -> tuple[Floats, Floats]:
    return _matrix(file, name), file[f"{name}.bias"]


def _matrix(file: Mapping[str, Any], name: str) -> Floats:
    values = file[name]
    if values.dtype != np.int8:
        return np.asarray(values, np.float32)
    result: Floats = values.astype(np.float32) * file[f"{name}.scale"]
    return result
