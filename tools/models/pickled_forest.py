"""The forest of a model of format 4, which is a pickle.

A pickle names the functions that it wants called when it is read. This reader lets it have NumPy arrays, and in place
of scikit-learn's classes records that keep what they are given and do nothing; whatever else it names is refused.
"""

from __future__ import annotations

import io
import struct
from pickle import UnpicklingError
from types import SimpleNamespace
from typing import Any

import numpy as np
from joblib.numpy_pickle import NumpyArrayWrapper, NumpyUnpickler

from common.detection.checked import damaged
from common.detection.members.estimator import forest_of
from common.detection.members.trees import Forest
from common.errors import ModelError

RECORDS = {
    ("sklearn.ensemble._iforest", "IsolationForest"),
    ("sklearn.tree._classes", "ExtraTreeRegressor"),
    ("sklearn.tree._tree", "Tree"),
}
ARRAYS = {("numpy", "dtype"): np.dtype, ("numpy", "ndarray"): np.ndarray}
NODES = {"children_left": "left_child", "children_right": "right_child", "feature": "feature",
         "threshold": "threshold", "n_node_samples": "n_node_samples"}  # fmt: skip
WRONG = (
    AttributeError, EOFError, ImportError, IndexError, KeyError, MemoryError, OSError, OverflowError, RecursionError,
    RuntimeError, TypeError, UnpicklingError, ValueError, struct.error,
)  # fmt: skip
"""What reading raises where the bytes are not those of a forest."""


def pickled_forest(content: bytes) -> Forest:
    """The forest that joblib saved.

    Raises:
        ModelError: the bytes are not a forest, or name anything that a forest does not consist of.
    """
    try:
        found = _Reader(content).load()
        estimators = [SimpleNamespace(tree_=_tree(entry.tree_.nodes)) for entry in found.estimators_]
        forest = forest_of(
            SimpleNamespace(
                estimators_=estimators,
                estimators_features_=[np.asarray(columns, dtype=np.int64) for columns in found.estimators_features_],
                n_features_in_=int(found.n_features_in_),
            )
        )
    except ModelError:
        raise
    except WRONG as error:
        raise damaged("its forest") from error
    return Forest.from_arrays(forest.arrays(), forest.columns)


class _Reader(NumpyUnpickler):  # type: ignore[misc]  # has no types
    """Reads a pickle, and gives it nothing but arrays and records."""

    def __init__(self, content: bytes) -> None:
        super().__init__("", io.BytesIO(content), ensure_native_byte_order=True)
        self._record = type("Record", (), {"__init__": lambda *_: None})

    def find_class(self, module: str, name: str) -> Any:
        """What the pickle gets for a name.

        Raises:
            ModelError: a forest does not need it.
        """
        if (module, name) in RECORDS:
            return self._record
        if (module, name) == ("joblib.numpy_pickle", "NumpyArrayWrapper"):
            return _NumbersOnly
        if (module, name) in ARRAYS:
            return ARRAYS[module, name]
        raise ModelError(
            f"the forest of the model asks for {module}.{name}, which no forest needs",
            "Do not use the model; find out who wrote it",
        )


class _NumbersOnly(NumpyArrayWrapper):  # type: ignore[misc]  # has no types
    """An array in a pickle; one of objects would be a pickle of its own."""

    def read(self, *arguments: Any) -> Any:
        """The array."""
        if self.dtype.hasobject:
            raise damaged("an array of its forest")
        return super().read(*arguments)


def _tree(nodes: Any) -> SimpleNamespace:
    """A tree as scikit-learn shows it, from the nodes that it saves."""
    return SimpleNamespace(**{name: nodes[column] for name, column in NODES.items()})
