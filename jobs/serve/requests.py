"""From the body of a request to the input of the model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from common.arrays import Matrix
from common.errors import InputError

JSON, JSON_LINES = "application/json", "application/jsonlines"
MOST = float(np.finfo(np.float32).max)
"""The largest number that the model takes."""


def read_rows(body: bytes, content_type: str) -> list[Any]:
    """The rows of a body: those of `{"rows": [...]}`, or one in each line.

    Raises:
        InputError: the body is not JSON of that form.
    """
    if content_type == JSON_LINES:
        return [_parsed(line, f"line {number}") for number, line in enumerate(body.splitlines(), 1) if line.strip()]
    given = _parsed(body, "the body")
    rows = given.get("rows") if isinstance(given, dict) else None
    if not isinstance(rows, list):
        raise InputError('the body has no list "rows"', 'Give {"rows": [{"<feature>": <number or null>, ...}, ...]}')
    return rows


def matrix_of(rows: Sequence[Any], features: Sequence[str]) -> Matrix:
    """The values of the rows in the order of the features, shape (n_rows, n_features), NaN for null.

    Raises:
        InputError: there is no row, or one lacks a feature, has another one, or a value that is no number.
    """
    if not rows:
        raise InputError("the request has no rows", "Give at least one")
    known = set(features)
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise InputError(f"row {number} is {_shown(row)}", "Give an object of features and their values")
        if missing := [name for name in features if name not in row]:
            raise InputError(
                f"row {number} lacks {_several(missing)}", "Give all features of the model, null for what has no value"
            )
        if unknown := [name for name in row if name not in known]:
            raise InputError(
                f"row {number} has {_several(unknown)}, which the model does not know", "Leave out what is no feature"
            )
        for name, value in row.items():
            if not (value is None or (type(value) in (int, float) and abs(value) <= MOST)):
                raise InputError(f"row {number} has {name} = {_shown(value)}", "Give a finite number, or null")
    values = [[np.nan if row[name] is None else row[name] for name in features] for row in rows]
    return np.array(values, dtype=np.float64).astype(np.float32)


def _parsed(text: bytes, where: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not JSON: {error}", "Send JSON in UTF-8") from error


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _several(names: Sequence[str]) -> str:
    return f"{names[0][:100]!r}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _shown(value: Any) -> str:
    return json.dumps(value)[:100]
