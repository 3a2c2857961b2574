"""The constants of the detector: one versioned object, stored with every model and compared when it is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any, get_type_hints

import yaml

from common.errors import ParameterError


@dataclass(frozen=True)
class Weights:
    """What each member's score counts in the raw score; `features` scales those of the forest and the rarity."""

    forest: float
    rarity: float
    features: float
    pairs: float
    spread: float


@dataclass(frozen=True)
class PreprocessingParameters:
    """How the forest's features are chosen and scaled."""

    clip: float
    near_constant_rows: int
    near_constant_share: float


@dataclass(frozen=True)
class GrowingParameters:
    """The forest before tuning, and the most rows that its trees draw from."""

    n_estimators: int
    max_samples: int
    growing_rows: int


@dataclass(frozen=True)
class RarityParameters:
    """How the rarities of single features become a score."""

    strongest: int
    credit_log10: float
    log10_max: float


@dataclass(frozen=True)
class CalibrationParameters:
    """How scores become p-values: grids, tails, and the weight of a host's own past."""

    quantile_points: int
    tail_points_per_doubling: int
    alerts_per_1000_host_days: float
    host_prior_rows: float
    host_scores_kept: int
    host_grid_points: int
    tail_rows_max: int
    tail_rows_min: int
    tail_rows_divisor: int
    tail_spread_min: float


@dataclass(frozen=True)
class PairParameters:
    """What is new, common or excessive in what hosts do with their peers, and what is learnt of it."""

    lookback_days: int
    memory_windows: int
    past_windows: int
    ipv6_network_bits: int
    quorum_hosts: int
    quorum_share: float
    failed_share_max: float
    regular_sessions: int
    lasting_days: int
    lasting_windows: int
    lasting_groups: int
    lasting_variation: float
    floor_quantile: float
    chance_excess: float
    leaders: int
    log10_max: float
    log10_beyond: float
    context_rows: int
    level_quantile: float
    level_share: float
    level_min: float
    habit_days: int
    habit_pairs: int
    habit_quantile_low: float
    habit_quantile_high: float
    habit_share: float
    habit_spread_min: float
    history_share: float
    training_rows: int
    training_days_min: int
    training_days_max: int
    calibration_rows: int

    def quorum(self, hosts: int) -> float:
        """The number of hosts, of `hosts` in all, that must do the same before it counts as common."""
        return max(self.quorum_hosts, self.quorum_share * hosts)


@dataclass(frozen=True)
class DriftParameters:
    """How far an input may move by chance."""

    bins: int
    share_min: float
    chance_quantile: float
    long_run_windows: int


@dataclass(frozen=True)
class DetectorParameters:
    """Every constant that decides a score; `parameters.yaml` says what each one means."""

    version: int
    weights: Weights
    preprocessing: PreprocessingParameters
    forest: GrowingParameters
    rarity: RarityParameters
    calibration: CalibrationParameters
    pairs: PairParameters
    drift: DriftParameters

    def to_dict(self) -> dict[str, Any]:
        """The parameters as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> DetectorParameters:
        """The parameters that `to_dict` or `parameters.yaml` wrote.

        Raises:
            ParameterError: one is missing, unknown or of another type.
        """
        found: DetectorParameters = _build(cls, raw, "")
        return found


@cache
def current_parameters() -> DetectorParameters:
    """The parameters of this code."""
    return DetectorParameters.from_dict(yaml.safe_load((files(__package__) / "parameters.yaml").read_text("utf-8")))


def differences(stored: dict[str, Any], current: dict[str, Any], section: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The parameters whose values differ: name with section, stored value, current value; null for a missing one."""
    for name in sorted({*stored, *current}):
        one, other = stored.get(name), current.get(name)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from differences(one, other, f"{section}{name}.")
        elif one != other:
            yield f"{section}{name}", one, other


def _build(kind: type, raw: Any, section: str) -> Any:
    """The section as a dataclass of that kind, or the value checked to be of that type."""
    if kind in (int, float):
        if type(raw) is not kind:
            raise ParameterError(f"detector parameter {section} is {raw!r}", f"Give a value of type {kind.__name__}")
        return raw
    names = [field.name for field in fields(kind)]
    if not isinstance(raw, dict) or set(raw) != set(names):
        given = sorted(raw) if isinstance(raw, dict) else raw
        raise ParameterError(f"detector parameters {section or 'at the top'} are {given}", f"Give {', '.join(names)}")
    hints = get_type_hints(kind)
    return kind(**{name: _build(hints[name], raw[name], f"{section}.{name}".lstrip(".")) for name in names})
