"""The custom fields of CEF (`cs1=... cs1Label=Rule`) under the keys that their labels usually have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np
import pyarrow as pa

from common.arrays import Flags

LABELS = {
    "cs1": ("rule",),
    "cs2": ("urlcategory",),
    "cs3": ("virtualsystem", "virtuallocation"),
    "cs4": ("sourcezone", "fromzone"),
    "cs5": ("destinationzone", "tozone"),
    "cs6": ("logprofile", "logsetting"),
    "cn1": ("sessionid",),
    "cn2": ("packets", "packetstotal"),
    "cn3": ("elapsedtimeinseconds", "sessionduration"),
    "flexString1": ("flags",),
    "flexString2": ("direction",),
    "flexNumber1": ("totalbytes",),
    "flexNumber2": (),
}
"""The labels, without blanks, that PAN-OS and Strata Logging Service give to each custom field."""

WANTED = frozenset({*LABELS, *(f"{key}Label" for key in LABELS)})

_USUAL = {label: key for key, labels in LABELS.items() for label in labels}
_UNREAD = "unread "


def by_label(fields: Mapping[str, str]) -> Mapping[str, str]:
    """The fields of a line, each custom field whose label is known under the usual key of that label.

    Without a label, or with one that nobody knows, a field keeps its key, unless the label of another has it.
    """
    keys = _keys(fields.get(f"{key}Label", "") for key in LABELS)
    return {keys.get(key, key): value for key, value in fields.items()} if keys else fields


def columns_by_label(table: pa.RecordBatch) -> tuple[pa.RecordBatch, Flags]:
    """The same for lines that share their keys, and the mask of those that have the labels of the first one."""
    same = np.ones(table.num_rows, dtype=bool)
    labels = {}
    for key in LABELS:
        if (name := f"{key}Label") in table.schema.names:
            column = table.column(name)
            labels[key] = column[0].as_py() or ""
            codes = column.indices.fill_null(-1).to_numpy()
            same &= codes == codes[0]
    keys = _keys(labels.get(key, "") for key in LABELS)
    return table.rename_columns([keys.get(key, key) for key in table.schema.names]) if keys else table, same


def _keys(labels: Iterable[str]) -> Mapping[str, str]:
    return _usual_keys(tuple(re.sub("[ _]", "", label).lower() for label in labels))


@lru_cache(maxsize=16)
def _usual_keys(labels: tuple[str, ...]) -> Mapping[str, str]:
    """The keys of the custom fields that are read under another; a field that another displaces is not read."""
    named = {key: _USUAL[label] for key, label in zip(LABELS, labels, strict=True) if label in _USUAL}
    holders: dict[str, str] = {}
    for key in sorted(named, key=lambda key: key != named[key]):  # of two with one label, that in its usual place
        holders.setdefault(named[key], key)
    moved = {key: usual for usual, key in holders.items() if key != usual}
    displaced = (set(named) | set(moved.values())) - set(holders.values())
    return {key: _UNREAD + key for key in displaced} | moved
