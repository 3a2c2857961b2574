"""The input of the models: which columns of FG-A and FG-C, in which order."""

from __future__ import annotations

from dataclasses import dataclass

from common.features.spec import FeatureSpec

DEVIATION_SUFFIXES = ("_z_mad", "_log_ratio", "_ratio")


@dataclass(frozen=True)
class ModelFeatures:
    """The ordered feature names of the model input: those of `fg_a`, then those of `fg_c`."""

    fg_a: tuple[str, ...]
    fg_c: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order of the matrix columns."""
        return (*self.fg_a, *self.fg_c)


def model_features(spec: FeatureSpec) -> ModelFeatures:
    """The features of FG-A, then the deviations of FG-C, its composites and its pair features."""
    return ModelFeatures(spec.fg_a_features(), (*spec.fg_c_features(), *spec.score_names))


def rarity_groups(spec: FeatureSpec) -> dict[str, tuple[str, ...]]:
    """The groups of the feature rarity: name to the features of which the rarest counts.

    One group for each feature family: its novelty count (FG-A), or its `z_mad` and `log_ratio` (FG-C), so that one
    family counts once. The pair features are one more. Only of the shortest look-back: an alert belongs to the window
    in which it happens, and in the long ones its echo lasts for hours.
    """
    label = min(spec.window_labels, key=lambda name: spec.window_labels[name])
    groups: dict[str, tuple[str, ...]] = {}
    for role, prefix in spec.roles.items():
        for metric in spec.metrics:
            name = spec.fg_a_name(role, metric.name, label)
            if "lookback" in metric.name:
                groups[f"{prefix}{metric.name}"] = (name,)
            elif metric.deviation and metric.kind != "flag":  # a flag repeats its count
                groups[f"{prefix}{metric.name}"] = (f"{name}_z_mad", f"{name}_log_ratio")
    return groups | {"pairs": tuple(spec.pair_features)}


def feature_family(feature: str, spec: FeatureSpec) -> str:
    """The family of a feature: its role and metric, without window label and transform: `in_deny_ratio`."""
    name = fg_a_feature(feature)
    label = next((label for label in spec.window_labels if name.endswith(f"_{label}")), None)
    return name.removesuffix(f"_{label}") if label else name


def fg_a_feature(feature: str) -> str:
    """The FG-A feature that a deviation is of (`deny_ratio_w_1h` for `deny_ratio_w_1h_z_mad`); others unchanged."""
    for suffix in DEVIATION_SUFFIXES:
        if feature.endswith(suffix) and "_w_" in feature:
            return feature.removesuffix(suffix)
    return feature
