"""Deviations of values from their baseline, and the scores made of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from common.arrays import Floats
from common.features.scales import scale_floors
from common.features.spec import Composite, FeatureSpec

TRANSFORMS = ("z_mad", "ratio", "log_ratio")
"""The transforms in the order of their columns."""


def deviation_columns(spec: FeatureSpec) -> list[str]:
    """The FG-A columns that have a deviation, label by label, role by role."""
    return [
        spec.fg_a_name(role, metric.name, label)
        for label in spec.window_labels
        for role in spec.roles
        for metric in spec.deviation_metrics
    ]


def slice_count(spec: FeatureSpec) -> int:
    """The number of times the deviation metrics repeat in `deviation_columns`: once per label and role."""
    return len(spec.window_labels) * len(spec.roles)


def column_floors(spec: FeatureSpec, medians: Floats) -> Floats:
    """The floors of `deviation_columns` at their medians, shape `(n_columns, n)`."""
    return scale_floors(spec, spec.deviation_metrics * slice_count(spec), medians)


def deviations(values: Floats, medians: Floats, scales: Floats, floors: Floats, z_clip: float) -> Floats:
    """The transforms of each value, shape `(n_columns, 3, n_rows)` from four times `(n_columns, n_rows)`.

    In the order of `TRANSFORMS`: `clip((x - median) / scale)`, `x / max(median, floor)` and
    `ln(max(x, floor) / max(median, floor))`. NaN (null) where the value or the median is.
    """
    out = np.empty((len(values), len(TRANSFORMS), values.shape[1]))
    np.clip((values - medians) / scales, -z_clip, z_clip, out=out[:, 0])
    divisor = np.maximum(medians, floors)
    np.divide(values, divisor, out=out[:, 1])
    np.log(np.maximum(values, floors) / divisor, out=out[:, 2])
    return out


def composites(spec: FeatureSpec, z: Floats) -> dict[str, Floats]:
    """The composite scores of each row, from `z_mad` with shape `(n_columns, n_rows)`; NaN where all of these are."""
    shape = (len(spec.window_labels), len(spec.roles), len(spec.deviation_metrics), z.shape[1])
    by_slice = z.reshape(shape)
    names = [metric.name for metric in spec.deviation_metrics]
    core = by_slice[:, :, [names.index(name) for name in spec.core_metrics]]
    strength = np.fmax.reduce(np.abs(core), axis=(0, 1, 2))
    scores = {name: _composite(spec, names, by_slice, entry) for name, entry in spec.composites.items()}
    return {spec.strength.name: strength, **scores}


def _composite(spec: FeatureSpec, names: Sequence[str], by_slice: Floats, composite: Composite) -> Floats:
    """The largest over the labels of the mean, over role and metric, of the positive part of `z_mad`."""
    roles = list(spec.roles)
    listed = [(roles.index(role), names.index(name)) for role, chosen in composite.metrics.items() for name in chosen]
    total = np.zeros(by_slice.shape[::3])
    known = np.zeros(by_slice.shape[::3])
    for role, metric in listed:
        above = np.maximum(by_slice[:, role, metric], 0)
        present = ~np.isnan(above)
        total += np.where(present, above, 0)
        known += present
    with np.errstate(invalid="ignore"):
        return np.asarray(np.fmax.reduce(total / known, axis=0))
