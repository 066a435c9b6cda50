"""Training: the same texts give the same model, families stay whole, held-out margins come from strangers."""

import numpy as np
import pytest

from domain.moderation import augment, corpus, model, train


@pytest.fixture(scope="module")
def few() -> list[corpus.Example]:
    return list(corpus.families())[::20]


@pytest.fixture(scope="module")
def public() -> list[corpus.Example]:
    return corpus.public()[::600]


def test_training_twice_gives_the_same_model(few: list[corpus.Example], public: list[corpus.Example]) -> None:
    first, _, _ = train.train(few[::3], public)
    second, _, _ = train.train(few[::3], public)
    assert np.array_equal(first.weights, second.weights)
    assert first.cuts == second.cuts
    assert first.quick_cut == second.quick_cut


def test_the_shipped_model_has_a_column_and_ordered_cuts_for_every_label() -> None:
    trained = model.load()
    assert trained.weights.dtype == np.int8
    assert len(trained.cuts) == trained.weights.shape[1] == 10
    assert all(cut.possible <= cut.likely <= cut.firm <= cut.sure for cut in trained.cuts)


def test_copies_stay_in_the_family_and_keep_the_labels(few: list[corpus.Example]) -> None:
    originals: dict[str, set[frozenset[str]]] = {example.family: set() for example in few}
    for example in few:
        originals[example.family].add(frozenset(example.labels))
    copies = list(augment.augment(few))
    assert copies == list(augment.augment(few))
    assert copies
    assert all(copy.labels in originals[copy.family] and copy.weight < 1 for copy in copies)


def test_a_family_is_in_one_fold(few: list[corpus.Example]) -> None:
    data = train.design(few[:60])
    folds: dict[str, set[int]] = {}
    for example, fold in zip(data.examples, data.fold, strict=True):
        folds.setdefault(example.family, set()).add(int(fold))
    assert all(len(kept) == 1 for kept in folds.values())


def test_the_loudest_window_speaks_for_its_text(few: list[corpus.Example]) -> None:
    data = train.design(few[:40])
    margins = np.arange(len(data.owner), dtype=float)[:, None]
    best = data.best(margins)[:, 0]
    assert all(best[i] == max(np.flatnonzero(data.owner == i)) for i in range(len(data.examples)))
