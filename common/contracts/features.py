"""Tables of features: FG-A and FG-C."""

from __future__ import annotations

from common.contracts.columns import HORIZON, HOST, KIND_UNITS, MONTH, PARTITIONS, SEGMENT, TIME_BAND, WINDOW_BOUNDS
from common.contracts.types import Column, Table
from common.features.spec import FeatureSpec


def fg_a(spec: FeatureSpec) -> Table:
    """The table of FG-A: 485 features in version 1."""
    kinds = {
        spec.fg_a_name(role, metric.name, label): (metric, role, label)
        for label in spec.window_labels
        for role in spec.roles
        for metric in spec.metrics
    }
    features = []
    for name in spec.fg_a_features():
        if name in spec.context:
            features.append(Column(name, "int", f"{name} of the window's start, local time"))
            continue
        metric, role, label = kinds[name]
        features.append(
            Column(
                name, "double", f"{metric.name}, {role}, {label}", KIND_UNITS[metric.kind], "lookback30d" in metric.name
            )
        )
    return Table(
        "fg_a",
        "one row per host with activity in the window, and window",
        (HOST, SEGMENT, TIME_BAND, *features, *WINDOW_BOUNDS, *PARTITIONS),
        ("date",),
        ("host_ip", "window_end_ts"),
    )


FG_C_PAIR_FEATURES = {
    "pair_rarity_max": "largest rarity of the window's pairs",
    "pair_rarity_mean": "mean rarity of the window's pairs",
    "new_pair_share": "share of the window's pairs that the baseline does not know",
}


def fg_c(spec: FeatureSpec) -> Table:
    """The table of FG-C: 1,320 deviations in version 1, composites and pair features."""
    deviations = tuple(Column(name, "double", f"deviation {name}", nullable=True) for name in spec.fg_c_features())
    composites = tuple(
        Column(name, "double", f"composite {name}", nullable=True)
        for name in ("anomaly_strength_core", *spec.composites)
    )
    pairs = tuple(Column(name, "double", meaning, nullable=True) for name, meaning in FG_C_PAIR_FEATURES.items())
    source = Column("baseline_source", "string", "host, segment or none: whose baseline the deviations are from")
    return Table(
        "fg_c",
        "one row per host with activity in the window, window and baseline horizon",
        (
            HOST,
            SEGMENT,
            TIME_BAND,
            HORIZON,
            MONTH,
            source,
            *deviations,
            *composites,
            *pairs,
            *WINDOW_BOUNDS,
            *PARTITIONS,
        ),
        ("date",),
        ("host_ip", "window_end_ts", "baseline_horizon"),
    )
