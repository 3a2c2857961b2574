"""The examined rows of a model survive saving, and are refused where they are something else."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest

from common.errors import ModelError
from jobs.if_training.synthetic_anomalies import Examination
from jobs.if_training.validation import Validation

SAVED = Validation(
    {}, Examination(np.ones((2, 3), dtype=np.float32), np.array([False, True])), np.zeros(2), np.ones(2)
).to_bytes()


def of_objects() -> bytes:
    """An archive of the right names, with an array of objects, which is a pickle."""
    buffer = io.BytesIO()
    none = np.array([{}], dtype=object)
    np.savez(buffer, values=none, odd=none, validated=none, final=none)
    return buffer.getvalue()


def test_saved_rows_are_the_same() -> None:
    again = Validation.from_bytes(SAVED, {})
    assert again.examination is not None and again.examination.values.tolist() == [[1, 1, 1]] * 2
    assert again.to_bytes() == SAVED


@pytest.mark.parametrize("content", [b"", b"half of it", SAVED[:-30], pickle.dumps({}), of_objects()])
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match="the examined rows cannot be what training wrote"):
        Validation.from_bytes(content, {})
