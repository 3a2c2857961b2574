"""Names for the NumPy arrays that modules pass to each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
"""Values of the model input, shape (n_rows, n_features), NaN for null."""
Floats = NDArray[np.float64]
"""Scores, quantities and statistics."""
Integers = NDArray[np.int64]
"""Whole numbers: counts, positions, and numbers that stand for texts or windows."""
Flags = NDArray[np.bool_]
"""One truth value per row or column."""
