"""Cutting the encoder: tensors are read as they were written, and bytes stay close to them."""

import json
import struct
from pathlib import Path

import numpy as np

from domain.moderation import teacher


def test_tensors_are_read_as_they_were_written(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    about = {"one": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, "__metadata__": {}}
    head = json.dumps(about).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(head)) + head + values.tobytes())
    assert np.array_equal(teacher.read_tensors(path)["one"], values)


def test_a_matrix_in_bytes_is_close_to_what_it_was() -> None:
    matrix = np.random.default_rng(0).standard_normal((40, 8)).astype(np.float32)
    arrays: dict[str, object] = {}
    teacher.put_matrix(arrays, "one", matrix)
    small, scale = np.asarray(arrays["one"]), np.asarray(arrays["one.scale"])
    assert small.dtype == np.int8
    assert np.abs(small * scale - matrix).max() <= scale.max() / 2 + 1e-6
