"""Tables of features: FG-A and FG-C."""

from __future__ import annotations

from functools import cache

from common.contracts.columns import HORIZON, HOST, MONTH, PARTITIONS, SEGMENT, TIME_BAND, WINDOW_BOUNDS
from common.contracts.types import Column, Table
from common.features.spec import Described, FeatureSpec

ROLE_WORDS = {"outbound": "as initiator", "inbound": "as responder"}


@cache
def fg_a(spec: FeatureSpec) -> Table:
    """The table of FG-A: a column for each metric, role and window label, and the context."""
    features = tuple(
        Column(
            spec.fg_a_name(role, metric.name, label),
            "double",
            f"{metric.meaning}; {ROLE_WORDS[role]}, last {spec.window_length(label)}",
            metric.unit,
            metric.null_when,
        )
        for label in spec.window_labels
        for role in spec.roles
        for metric in spec.metrics
    )
    context = tuple(Column(name, "int", entry.meaning, entry.unit) for name, entry in spec.context.items())
    return Table(
        "fg_a",
        "one row per host with activity in the window, and window",
        (HOST, SEGMENT, TIME_BAND, *features, *context, *WINDOW_BOUNDS, *PARTITIONS),
        ("date",),
        ("host_ip", "window_end_ts"),
    )


@cache
def fg_c(spec: FeatureSpec) -> Table:
    """The table of FG-C: a column for each deviation, then the scores and pair features."""
    deviations = tuple(
        Column(
            f"{spec.fg_a_name(role, metric.name, label)}_{name}",
            "double",
            f"{transform.meaning}: {metric.meaning}; {ROLE_WORDS[role]}, last {spec.window_length(label)}",
            transform.unit,
            transform.null_when,
        )
        for label in spec.window_labels
        for role in spec.roles
        for metric in spec.deviation_metrics
        for name, transform in spec.transforms.items()
    )
    scores = tuple(_score(entry) for entry in (spec.strength, *spec.composites.values(), *spec.pair_features.values()))
    source = Column("baseline_source", "string", "host, segment or none: whose baseline the deviations are from")
    return Table(
        "fg_c",
        "one row per host with activity in the window, window and baseline horizon",
        (HOST, SEGMENT, TIME_BAND, HORIZON, MONTH, source, *deviations, *scores, *WINDOW_BOUNDS, *PARTITIONS),
        ("date",),
        ("host_ip", "window_end_ts", "baseline_horizon"),
    )


def _score(entry: Described) -> Column:
    return Column(entry.name, "double", entry.meaning, entry.unit, entry.null_when)
