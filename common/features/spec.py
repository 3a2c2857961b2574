"""The feature specification: what every feature is called and which constants define it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from common.errors import SpecError

DEVIATION_TRANSFORMS = ("z_mad", "ratio", "log_ratio")


@dataclass(frozen=True)
class Floor:
    """The smallest scale of a kind of metric: a share of the median, and a constant that it never falls below."""

    constant: float
    median_share: float = 0.0


@dataclass(frozen=True)
class Metric:
    """One of the metrics of a role and a window label."""

    name: str
    kind: str
    deviation: bool = True


@dataclass(frozen=True)
class Horizon:
    """How far back a baseline looks, and the gap before the reference time that it leaves out, in days."""

    days: float
    gap_days: float


@dataclass(frozen=True, eq=False)
class FeatureSpec:
    """A version of the feature specification, as its YAML file says it.

    `window_labels` maps a label to its length in 15-minute slices, `roles` a role to the prefix of its features.
    """

    version: str
    window_labels: Mapping[str, int]
    roles: Mapping[str, str]
    port_sets: Mapping[str, tuple[int, ...]]
    short_session_seconds: float
    lookback_days: int
    rare_days: int
    metrics: tuple[Metric, ...]
    context: tuple[str, ...]
    horizons: Mapping[str, Horizon]
    statistics: tuple[str, ...]
    support_min: int
    outlier_z_max: float
    outlier_metrics: tuple[str, ...]
    rare_pair_days: int
    z_clip: float
    floors: Mapping[str, Floor]
    core_metrics: tuple[str, ...]
    composites: Mapping[str, Mapping[str, tuple[str, ...]]]

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
        """The names of the FG-C deviations, without composites: `in_deny_ratio_w_1h_z_mad`."""
        return tuple(
            f"{self.fg_a_name(role, metric.name, label)}_{transform}"
            for label in self.window_labels
            for role in self.roles
            for metric in self.deviation_metrics
            for transform in DEVIATION_TRANSFORMS
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
    raw = yaml.safe_load(folder.joinpath(f"{version}.yaml").read_text(encoding="utf-8"))
    try:
        return _from_yaml(raw)
    except (KeyError, TypeError, ValueError) as error:
        raise SpecError(f"feature specification {version!r} is wrong: {error!r}", "Correct its YAML file") from error


def _from_yaml(raw: dict[str, Any]) -> FeatureSpec:
    baseline, deviation = raw["baseline"], raw["deviation"]
    spec = FeatureSpec(
        version=raw["version"],
        window_labels=raw["window_labels"],
        roles=raw["roles"],
        port_sets={name: tuple(ports) for name, ports in raw["port_sets"].items()},
        short_session_seconds=float(raw["short_session_seconds"]),
        lookback_days=int(raw["novelty"]["lookback_days"]),
        rare_days=int(raw["novelty"]["rare_days"]),
        metrics=tuple(Metric(**entry) for entry in raw["metrics"]),
        context=tuple(raw["context"]),
        horizons={name: Horizon(**entry) for name, entry in baseline["horizons"].items()},
        statistics=tuple(baseline["statistics"]),
        support_min=int(baseline["support_min"]),
        outlier_z_max=float(baseline["outlier_z_max"]),
        outlier_metrics=tuple(baseline["outlier_metrics"]),
        rare_pair_days=int(baseline["rare_pair_days"]),
        z_clip=float(deviation["z_clip"]),
        floors={kind: Floor(**entry) for kind, entry in deviation["floors"].items()},
        core_metrics=tuple(deviation["core_metrics"]),
        composites={
            name: {role: tuple(metrics) for role, metrics in by_role.items()}
            for name, by_role in deviation["composites"].items()
        },
    )
    named = {*spec.core_metrics, *spec.outlier_metrics}
    named |= {metric for by_role in spec.composites.values() for metrics in by_role.values() for metric in metrics}
    if unknown := named - set(spec.metric_names):
        raise ValueError(f"metrics that are named but not declared: {sorted(unknown)}")
    if unknown := {metric.kind for metric in spec.metrics} - set(spec.floors):
        raise ValueError(f"kinds without a floor: {sorted(unknown)}")
    return spec
