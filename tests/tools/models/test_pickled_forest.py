"""The only pickle that is read gets arrays and records, and no function that it asks for."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from common.errors import ModelError
from tools.models.pickled_forest import pickled_forest

ROWS = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)


def saved(value: Any) -> bytes:
    """The value as joblib saves it."""
    buffer = io.BytesIO()
    joblib.dump(value, buffer, compress=0)
    return buffer.getvalue()


def grown() -> IsolationForest:
    """A small forest."""
    return IsolationForest(n_estimators=5, max_samples=64, random_state=1).fit(ROWS)


class Calls:
    """Calls a function when it is unpickled."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


def hidden_in(forest: IsolationForest, value: Any) -> IsolationForest:
    """A forest that scores as before, with something else among its attributes."""
    forest.note = value
    return forest


def test_a_forest_is_read_without_scikit_learns_code() -> None:
    np.testing.assert_array_equal(pickled_forest(saved(grown())).score_samples(ROWS), -grown().score_samples(ROWS))


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(Calls(os.system, "touch exploited")),
        saved(Calls(os.system, "touch exploited")),
        saved(hidden_in(grown(), Calls(os.system, "touch exploited"))),
        saved(hidden_in(grown(), Calls(eval, "open('exploited', 'w')"))),
        saved(hidden_in(grown(), np.array([Calls(os.system, "touch exploited")], dtype=object))),
        saved(hidden_in(grown(), Calls(getattr, "text", "upper"))),
        b"cjoblib.numpy_pickle\nload\n(S'other'\ntR.",
        b"cnumpy\nload\n(S'other'\ntR.",
    ],
)
def test_a_pickle_that_asks_for_more_is_refused(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=r"which no forest needs|an array of its forest"):
        pickled_forest(content)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"half of it", pickle.dumps({"a": 1}), saved(ROWS), saved(grown())[:900]])
def test_what_is_no_forest_is_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match="the model is damaged"):
        pickled_forest(content)


def test_changed_bytes_are_refused_or_a_forest() -> None:
    content, rng, outcomes = saved(grown()), np.random.default_rng(1), list[str]()
    for _ in range(100):
        changed = bytearray(content)
        for place in rng.integers(0, len(content), 3):
            changed[place] = rng.integers(256)
        try:
            assert pickled_forest(bytes(changed)).score_samples(ROWS).shape == (len(ROWS),)
            outcomes.append("scored")
        except ModelError:
            outcomes.append("refused")
    assert set(outcomes) == {"refused", "scored"}
