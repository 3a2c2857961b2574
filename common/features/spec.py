"""The feature specification: what every feature is called, what it means, and which constants define it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from importlib import resources
from string import Template
from typing import Annotated, Any, TypeVar

from annotated_types import Ge, Gt

from common.errors import SpecError
from common.features.entries import SpecFile, listed
from common.features.names import check_names
from common.windows import WINDOW

ADDITIVE_KINDS = ("count", "bytes", "packets", "seconds")


@dataclass(frozen=True, kw_only=True)
class Described:
    """A value that tables hold: what it means, its unit, how it is computed, and when it is null ("": never)."""

    name: str
    meaning: str
    unit: str = ""
    formula: str = ""
    null_when: str = ""


@dataclass(frozen=True, kw_only=True)
class Metric(Described):
    """One of the metrics of a role and a window label, or a sum that only `delta_host` has.

    `sum` is the SQL over the columns of a session that makes the metric additive: the condition under which a count
    adds `repeat_count`, or the value that other kinds add. `words` follow the value in a report.
    """

    kind: str
    sum: str = ""
    records: str = "traffic"
    words: str = ""
    feature: bool = True
    deviation: bool = True

    @property
    def counts(self) -> bool:
        """Whether the sum is a condition on records, rather than a value of them."""
        return self.kind == "count"


@dataclass(frozen=True, kw_only=True)
class Composite(Described):
    """A score of several deviations: the metrics of each role whose `z_mad` it is made of."""

    metrics: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Floor:
    """The smallest scale of a kind of metric: a share of the median, and a constant that it never falls below."""

    constant: float
    median_share: float = 0.0


@dataclass(frozen=True)
class Horizon:
    """How far back a baseline looks, and the gap before the reference time that it leaves out, in days."""

    days: Annotated[float, Gt(0)]
    """Days of history."""
    gap_days: Annotated[float, Ge(0)]
    """Days before the reference time that are left out."""


Constants = TypeVar("Constants", Floor, Horizon)


@dataclass(frozen=True, eq=False)
class FeatureSpec:
    """A version of the feature specification, as its YAML file says it; `load_spec` reads it.

    `window_labels` maps a label to its length in 15-minute slices, `roles` a role to the prefix of its features. `sums`
    are the additive columns of `delta_host`, `metrics` those that make features; some are in both.
    """

    version: str
    window_labels: Mapping[str, int]
    roles: Mapping[str, str]
    port_sets: Mapping[str, tuple[int, ...]]
    short_session_seconds: float
    lookback_days: int
    rare_days: int
    sums: tuple[Metric, ...]
    metrics: tuple[Metric, ...]
    context: Mapping[str, Described]
    horizons: Mapping[str, Horizon]
    statistics: Mapping[str, Described]
    support_min: int
    outlier_z_max: float
    outlier_metrics: tuple[str, ...]
    rare_pair_days: int
    z_clip: float
    floors: Mapping[str, Floor]
    transforms: Mapping[str, Described]
    strength: Described
    core_metrics: tuple[str, ...]
    composites: Mapping[str, Composite]
    pair_features: Mapping[str, Described]

    @property
    def longest(self) -> int:
        """The longest look-back, in slices."""
        return max(self.window_labels.values())

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of all metrics, in their order."""
        return tuple(metric.name for metric in self.metrics)

    @property
    def deviation_metrics(self) -> tuple[Metric, ...]:
        """The metrics that FG-C compares with a baseline."""
        return tuple(metric for metric in self.metrics if metric.deviation)

    @property
    def score_names(self) -> tuple[str, ...]:
        """The columns of FG-C that are not deviations: strength, composites and pair features."""
        return (self.strength.name, *self.composites, *self.pair_features)

    def window_length(self, label: str) -> str:
        """The look-back of a label in words: `15 min`, `24 h`."""
        minutes = self.window_labels[label] * WINDOW // timedelta(minutes=1)
        return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"

    def fg_a_name(self, role: str, metric: str, label: str) -> str:
        """The name of an FG-A feature: `in_deny_ratio_w_1h`."""
        return f"{self.roles[role]}{metric}_{label}"

    def fg_a_features(self) -> tuple[str, ...]:
        """The names of all FG-A features, label by label, role by role, context last."""
        return (
            *(
                self.fg_a_name(role, metric, label)
                for label in self.window_labels
                for role in self.roles
                for metric in self.metric_names
            ),
            *self.context,
        )

    def fg_c_features(self) -> tuple[str, ...]:
        """The names of the FG-C deviations, without scores: `in_deny_ratio_w_1h_z_mad`."""
        return tuple(
            f"{self.fg_a_name(role, metric.name, label)}_{transform}"
            for label in self.window_labels
            for role in self.roles
            for metric in self.deviation_metrics
            for transform in self.transforms
        )


@cache
def load_spec(version: str) -> FeatureSpec:
    """The feature specification of that version.

    Raises:
        SpecError: there is no such version, or its file is wrong.
    """
    folder = resources.files("common.features")
    known = sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    if version not in known:
        raise SpecError(f"feature specification {version!r} is unknown", f"Known versions: {', '.join(known)}")
    return parse_spec(folder.joinpath(f"{version}.yaml").read_text(encoding="utf-8"), f"common/features/{version}.yaml")


def parse_spec(text: str, path: str) -> FeatureSpec:
    """The feature specification that a YAML text holds; errors call it by its path.

    Raises:
        SpecError: it is wrong; the message names the file, the row and the remedy.
    """
    file = SpecFile(path)
    raw = file.parse(text)
    port_sets = {name: tuple(ports) for name, ports in file.section(raw, "port_sets", dict).items()}
    short_session_seconds = file.section(raw, "short_session_seconds", float)
    names = {name: ", ".join(map(str, ports)) for name, ports in port_sets.items()}
    names["short_session_seconds"] = f"{short_session_seconds:g}"
    rows = [_metric(file, entry, names) for entry in file.section(raw, "metrics", list)]

    def described(path: str) -> dict[str, Described]:
        entries = file.section(raw, path, dict)
        return {name: file.build(Described, entry, f"{path} {name}", name=name) for name, entry in entries.items()}

    spec = FeatureSpec(
        version=file.section(raw, "version", str),
        window_labels=file.section(raw, "window_labels", dict),
        roles=file.section(raw, "roles", dict),
        port_sets=port_sets,
        short_session_seconds=short_session_seconds,
        lookback_days=file.section(raw, "novelty.lookback_days", int),
        rare_days=file.section(raw, "novelty.rare_days", int),
        sums=tuple(row for row in rows if row.sum),
        metrics=tuple(row for row in rows if row.feature),
        context=described("context"),
        horizons=_constants(file, raw, "baseline.horizons", Horizon),
        statistics=described("baseline.statistics"),
        support_min=file.section(raw, "baseline.support_min", int),
        outlier_z_max=file.section(raw, "baseline.outlier_z_max", float),
        outlier_metrics=tuple(file.section(raw, "baseline.outlier_metrics", list)),
        rare_pair_days=file.section(raw, "baseline.rare_pair_days", int),
        z_clip=file.section(raw, "deviation.z_clip", float),
        floors=_constants(file, raw, "deviation.floors", Floor),
        transforms=described("deviation.transforms"),
        strength=file.build(Described, file.section(raw, "deviation.strength", dict), "deviation.strength"),
        core_metrics=tuple(file.section(raw, "deviation.core_metrics", list)),
        composites=_composites(file, raw),
        pair_features=described("deviation.pair_features"),
    )
    check_names(file, spec, rows)
    return spec


def _constants(file: SpecFile, raw: dict[str, Any], path: str, cls: type[Constants]) -> dict[str, Constants]:
    return {name: file.build(cls, entry, f"{path} {name}") for name, entry in file.section(raw, path, dict).items()}


def _metric(file: SpecFile, entry: Any, names: Mapping[str, str]) -> Metric:
    """A row of the metrics, its `$names` replaced by the constants that they stand for."""
    place = f"metric {entry.get('name', entry)}" if isinstance(entry, dict) else "metrics"
    row = file.build(Metric, entry, place)
    if bool(row.sum) == bool(row.formula):
        raise file.error(
            place,
            "it needs either a sum or a formula",
            "Give sum: <SQL over the columns of a session>; or formula: <text>, and its computation in "
            "jobs/fg_a/metrics.py",
        )
    if row.sum and row.kind not in ADDITIVE_KINDS:
        raise file.error(
            place, f"kind {row.kind} does not add up", f"With a sum, the kind is one of {listed(ADDITIVE_KINDS)}"
        )
    if row.records not in ("traffic", "all"):
        raise file.error(place, f"records {row.records!r} is unknown", "Write traffic or all")
    if not row.sum and not row.feature:
        raise file.error(
            place, "without a sum it is not a column of delta_host", "Give a sum, or remove feature: false"
        )
    if row.sum and row.feature and not row.words:
        raise file.error(place, "words are missing", "Add words: what a report says after the value")
    try:
        return replace(row, sum=Template(row.sum).substitute(names))
    except (KeyError, ValueError) as error:
        raise file.error(
            place,
            f"the sum has an unknown placeholder: {error}",
            f"Known: {listed([f'${name}' for name in names])}",
        ) from error


def _composites(file: SpecFile, raw: dict[str, Any]) -> dict[str, Composite]:
    """The composites, whose metrics the file lists by role."""
    found = {}
    for name, entry in file.section(raw, "deviation.composites", dict).items():
        place = f"composite {name}"
        by_role = {role: tuple(entry[role]) for role in raw["roles"] if role in file.mapping(entry, place)}
        rest = {key: value for key, value in entry.items() if key not in by_role}
        metrics = ", ".join(f"{raw['roles'][role]}{metric}" for role, chosen in by_role.items() for metric in chosen)
        formula = f"max over the window labels of the mean of max(z_mad, 0) of {metrics}"
        common = {"unit": "scales", "null_when": "all of these z_mad are null", "formula": formula}
        found[name] = file.build(Composite, rest, place, name=name, metrics=by_role, **common)
    return found
