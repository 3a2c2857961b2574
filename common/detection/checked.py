"""Parts of a model file, checked as they are read: whoever wrote the file, what they hold is what the code expects."""

from __future__ import annotations

from typing import Any

import numpy as np

from common.arrays import Floats
from common.errors import ModelError

RETRAIN = "Train the model again"
MOST = 2**53
"""The largest whole number in a model: up to it, float64 is exact."""


def damaged(what: str) -> ModelError:
    """The error for a part of a model that cannot be what training wrote."""
    return ModelError(f"the model is damaged: {what} cannot be what training wrote", RETRAIN)


def section(raw: Any, what: str, *names: str) -> dict[str, Any]:
    """The JSON object, which has at least those names.

    Raises:
        ModelError: it is something else, or lacks one.
    """
    if not isinstance(raw, dict):
        raise damaged(what)
    for name in names:
        if name not in raw:
            raise damaged(f"{what} without {name}")
    return raw


def texts(raw: Any, what: str) -> tuple[str, ...]:
    """The list of texts.

    Raises:
        ModelError: it is something else.
    """
    if not isinstance(raw, list) or not all(isinstance(entry, str) for entry in raw):
        raise damaged(what)
    return tuple(raw)


def whole(raw: Any, what: str, least: int = 0) -> int:
    """The whole number, from `least` to `MOST`.

    Raises:
        ModelError: it is something else.
    """
    if type(raw) is not int or not least <= raw <= MOST:
        raise damaged(what)
    return raw


def wholes(raw: Any, what: str, size: int) -> list[int]:
    """The list of that many whole numbers from 0 to `MOST`.

    Raises:
        ModelError: it is something else.
    """
    if not isinstance(raw, list) or len(raw) != size or not {int}.issuperset(map(type, raw)):
        raise damaged(what)
    if not all(0 <= entry <= MOST for entry in raw):
        raise damaged(what)
    return raw


def number(raw: Any, what: str, least: float = -np.inf) -> float:
    """The finite number, `least` or more.

    Raises:
        ModelError: it is something else.
    """
    found = floats([raw], what)[0]
    if found < least:
        raise damaged(what)
    return float(found)


def floats(raw: Any, what: str, size: int | None = None, rising: bool = False, least: float = -np.inf) -> Floats:
    """The list of finite numbers, shape (size,), each `least` or more, and where wanted each above the one before.

    Raises:
        ModelError: it is something else.
    """
    if not isinstance(raw, list) or not {int, float}.issuperset(map(type, raw)):
        raise damaged(what)
    try:
        found = np.array(raw, dtype=np.float64)
    except OverflowError:
        raise damaged(what) from None
    if not np.isfinite(found).all() or (size is not None and len(found) != size) or (found < least).any():
        raise damaged(what)
    if rising and not (np.diff(found) > 0).all():
        raise damaged(what)
    return found
