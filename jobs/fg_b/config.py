"""Configuration of the baseline stage, and the windows that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from common.config.project import ProjectParameters
from common.errors import ParameterError
from common.features.spec import FeatureSpec, Horizon, load_spec
from common.runtime.context import StageConfig
from common.runtime.lake_project import LakeProject
from common.windows import WINDOW, Windows, floor_to_grid


@dataclass(frozen=True)
class BaselineConfig(StageConfig):
    """A run of the baseline stage: `windows` reaches from the first to the last window of any horizon.

    `pass_bytes` limits the feature values that one pass over the history holds; a pass takes about six times as much
    memory on one machine.
    """

    baseline_month: str
    reference: datetime
    pass_bytes: int = 1 << 30

    @classmethod
    def from_options(cls, month: str, reference: datetime | None, **options: Any) -> BaselineConfig:
        """The configuration for a month `YYYY-MM`; without a reference time, that month's first moment in UTC."""
        lake_project: LakeProject = options["lake_project"]
        spec = load_spec(lake_project.feature_spec_version)
        moment = reference or datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
        runs = [
            history(name, horizon, moment) for name, horizon in chosen_horizons(spec, lake_project.settings).items()
        ]
        windows = Windows(min(run.start for run in runs), max(run.end for run in runs))
        return cls(windows=windows, baseline_month=month, reference=moment, **options)


def chosen_horizons(spec: FeatureSpec, project: ProjectParameters) -> Mapping[str, Horizon]:
    """The project's horizons; without any, those of the feature specification."""
    return project.horizons or spec.horizons


def history(name: str, horizon: Horizon, reference: datetime) -> Windows:
    """The windows that lie entirely inside the horizon.

    Raises:
        ParameterError: the horizon is shorter than a window.
    """
    end = reference - timedelta(days=horizon.gap_days)
    start = end - timedelta(days=horizon.days)
    first, last = floor_to_grid(start + WINDOW - timedelta(microseconds=1)), floor_to_grid(end)
    if first >= last:
        raise ParameterError(
            f"horizon {name} of {horizon.days} days is shorter than a 15-minute window", "Give a longer one"
        )
    return Windows(first, last)
