"""The entries of the catalogue: every name that the specification makes, and what is known of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from common.features.spec import Described, FeatureSpec, Metric


@dataclass(frozen=True)
class Entry:
    """What the catalogue says of one name; "" where a field does not apply."""

    name: str
    table: str
    kind: str
    meaning: str
    unit: str
    window: str
    role: str
    horizon: str
    null_when: str
    formula: str
    words: str


def base_metrics(spec: FeatureSpec) -> list[Entry]:
    """The base metrics: each is a feature for every role and window."""
    windows = ", ".join(spec.window_length(label) for label in spec.window_labels)
    return [_metric(spec, metric, metric.name, windows, ", ".join(spec.roles)) for metric in spec.metrics]


def entries(spec: FeatureSpec) -> dict[str, Entry]:
    """Every entry by its name."""
    found = [*base_metrics(spec), *_slice_sums(spec), *_current(spec), *_baselines(spec), *_deviations(spec)]
    return {entry.name: entry for entry in found}


def counts(spec: FeatureSpec) -> dict[str, int]:
    """How many of what there are, by what they are called."""
    return {
        "base metrics": len(spec.metrics),
        "FG-A features (metrics x roles x windows, and context)": len(spec.fg_a_features()),
        "FG-B statistics (metrics x statistics)": len(spec.metrics) * len(spec.statistics),
        "FG-C deviations (metrics with one x roles x windows x transforms)": len(spec.fg_c_features()),
        "FG-C scores and pair features": len(spec.score_names),
        "inputs of the model (FG-A and FG-C)": len((*spec.fg_a_features(), *spec.fg_c_features(), *spec.score_names)),
    }


def formula(metric: Metric) -> str:
    """How a metric is computed: of a sum, what it adds up."""
    if not metric.sum:
        return metric.formula
    records = "TRAFFIC records" if metric.records == "traffic" else "records"
    if metric.counts:
        return f"sum of repeat_count over {records}" + ("" if metric.sum == "true" else f" with {metric.sum}")
    return f"sum of {metric.sum} over {records}; null adds nothing"


def _metric(spec: FeatureSpec, metric: Metric, name: str, window: str, role: str, table: str = "fg_a") -> Entry:
    return Entry(
        name=name,
        table=table,
        kind=metric.kind,
        meaning=metric.meaning,
        unit=metric.unit,
        window=window,
        role=role,
        horizon="",
        null_when=metric.null_when,
        formula=formula(metric),
        words=metric.words,
    )


def _slice_sums(spec: FeatureSpec) -> Iterator[Entry]:
    """The sums that only `delta_host` has."""
    for metric in spec.sums:
        if not metric.feature:
            yield _metric(spec, metric, metric.name, "15 min", ", ".join(spec.roles), "delta_host")


def _current(spec: FeatureSpec) -> Iterator[Entry]:
    """The columns of FG-A."""
    for label in spec.window_labels:
        for role in spec.roles:
            for metric in spec.metrics:
                name = spec.fg_a_name(role, metric.name, label)
                yield _metric(spec, metric, name, spec.window_length(label), role)
    for entry in spec.context.values():
        yield _described(entry, "fg_a", "context")


def _baselines(spec: FeatureSpec) -> Iterator[Entry]:
    """The statistics of FG-B."""
    for metric in spec.metrics:
        for statistic in spec.statistics.values():
            yield Entry(
                name=f"{metric.name}_{statistic.name}",
                table="fg_b/host, fg_b/segment",
                kind="statistic",
                meaning=f"{statistic.meaning}: {metric.meaning}",
                unit=statistic.unit or metric.unit,
                window="one row for each window label",
                role="one row for each role",
                horizon=_horizons(spec),
                null_when=statistic.null_when,
                formula=f"{statistic.formula}, over the windows of the horizon that are not outliers",
                words="",
            )


def _deviations(spec: FeatureSpec) -> Iterator[Entry]:
    """The columns of FG-C."""
    for label in spec.window_labels:
        for role in spec.roles:
            for metric in spec.deviation_metrics:
                for transform in spec.transforms.values():
                    feature = spec.fg_a_name(role, metric.name, label)
                    floor = spec.floors[metric.kind]
                    least = f"max({floor.constant:g}, {floor.median_share:g} median)" if floor.median_share else ""
                    yield Entry(
                        name=f"{feature}_{transform.name}",
                        table="fg_c",
                        kind="deviation",
                        meaning=f"{transform.meaning}: {metric.meaning}",
                        unit=transform.unit,
                        window=spec.window_length(label),
                        role=role,
                        horizon=_horizons(spec),
                        null_when=transform.null_when,
                        formula=f"{transform.formula}; x = {feature}, floor = {least or f'{floor.constant:g}'}",
                        words="",
                    )
    for score in (spec.strength, *spec.composites.values()):
        yield _described(score, "fg_c", "score", _horizons(spec), "all", "all")
    for pair in spec.pair_features.values():
        yield _described(pair, "fg_c", "pair feature", _horizons(spec), "15 min", "outbound")


def _described(
    entry: Described, table: str, kind: str, horizon: str = "", window: str = "15 min", role: str = ""
) -> Entry:
    return Entry(
        name=entry.name,
        table=table,
        kind=kind,
        meaning=entry.meaning,
        unit=entry.unit,
        window=window,
        role=role,
        horizon=horizon,
        null_when=entry.null_when,
        formula=entry.formula,
        words="",
    )


def _horizons(spec: FeatureSpec) -> str:
    """The horizons: `7d (7 days, 2 before the reference time)`; projects may have others."""
    return ", ".join(
        f"{name} ({horizon.days:g} days, ending {horizon.gap_days:g} days before the reference time)"
        for name, horizon in spec.horizons.items()
    )
