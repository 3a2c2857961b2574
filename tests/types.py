"""Types that many tests share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
"""Rows of the detector's input, shape `(n_rows, n_features)`."""

Numbers = NDArray[np.float64]
"""Scores, or one column of numbers."""

Row = dict[str, Any]
"""A row of a table by column name."""

Run = tuple[int, dict[str, Any], str]
"""The exit code of a command, its run report (empty if it failed), and what it wrote to stderr."""
