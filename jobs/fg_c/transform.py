"""FG-A rows to FG-C rows: deviations and scores in NumPy, for all horizons together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from common.arrays import Floats
from common.features.computed import check_computed
from common.features.spec import FeatureSpec
from common.lake.publications import Publication
from jobs.fg_c.baselines import SOURCES, Baselines
from jobs.fg_c.deviations import TRANSFORMS, column_floors, composites, deviation_columns, deviations
from jobs.fg_c.pairs import PAIR_FEATURES

CHUNK_ROWS = 2048
"""Rows of which there are intermediate arrays."""

COPIED = ("host_ip", "segment_id", "time_band", "window_start_ts", "window_end_ts", "window")


def check_computations(spec: FeatureSpec) -> None:
    """Checks that the specification and this stage name the same transforms and pair features.

    Raises:
        SpecError: they do not.
    """
    check_computed(spec, "deviation.transforms", spec.transforms, TRANSFORMS, "jobs/fg_c/deviations.py")
    check_computed(spec, "deviation.pair_features", spec.pair_features, PAIR_FEATURES, "jobs/fg_c/pairs.py")


def fg_c_rows(
    rows: pa.Table, baselines: Mapping[Publication, Baselines], pairs: Sequence[Mapping[str, Floats]], spec: FeatureSpec
) -> pa.Table:
    """The `fg_c` rows of FG-A rows, one of each horizon for each of them, in order; without the date.

    `pairs` has the pair features of the rows for each horizon.
    """
    number = len(baselines)
    found, sources = _deviations(rows, list(baselines.values()), spec)
    each = pa.array(np.repeat(np.arange(len(rows)), number))
    columns: dict[str, object] = {name: rows[name].combine_chunks().take(each) for name in COPIED}
    horizon = np.tile(np.arange(number, dtype=np.int32), len(rows))
    columns |= {
        "baseline_horizon": _texts(horizon, [entry.horizon for entry in baselines]),
        "baseline_month": _texts(horizon, [entry.month for entry in baselines]),
        "baseline_source": _texts(sources, SOURCES),
    }
    columns |= {name: _nullable(np.stack([one[name] for one in pairs], axis=1).ravel()) for name in PAIR_FEATURES}
    columns |= {name: _nullable(score) for name, score in composites(spec, found[:, 0]).items()}
    flat = found.reshape(-1, len(each))
    columns |= {name: _nullable(flat[place]) for place, name in enumerate(spec.fg_c_features())}
    return pa.table(columns)


def _deviations(rows: pa.Table, baselines: Sequence[Baselines], spec: FeatureSpec) -> tuple[Floats, NDArray[np.int8]]:
    """The deviations, `(n_columns, 3, n_rows x n_baselines)`, and whose baseline each is from."""
    number = len(baselines)
    values = np.stack([rows[name].to_numpy() for name in deviation_columns(spec)])
    found = np.empty((len(values), len(TRANSFORMS), len(rows) * number))
    sources = np.empty(len(rows) * number, dtype=np.int8)
    for place, baseline in enumerate(baselines):
        subject = baseline.rows_of(rows)
        sources[place::number] = baseline.sources[subject]
        own = found[:, :, place::number]
        for start in range(0, len(rows), CHUNK_ROWS):
            part = slice(start, start + CHUNK_ROWS)
            medians, scales = (np.take(of, subject[part], axis=1) for of in (baseline.medians, baseline.scales))
            floors = column_floors(spec, medians)
            own[:, :, part] = deviations(values[:, part], medians, scales, floors, spec.z_clip)
    return found, sources


def _texts(numbers: NDArray[np.integer], texts: Sequence[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(numbers, pa.array(texts))


def _nullable(values: Floats) -> pa.Array:
    return pa.array(values, from_pandas=True)
