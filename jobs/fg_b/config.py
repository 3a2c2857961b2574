"""Configuration of the baseline stage, and the windows that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from common.errors import ParameterError
from common.features.spec import Horizon, load_spec
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
            history(name, horizon, moment) for name, horizon in lake_project.settings.baseline_horizons(spec).items()
        ]
        windows = Windows(min(run.start for run in runs), max(run.end for run in runs))
        return cls(windows=windows, baseline_month=month, reference=moment, **options)


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


def known_part(horizon: Horizon, reference: datetime, first_day: datetime) -> Horizon:
    """The horizon, of which a young lake knows a part: its days, and as much of its gap as these can spare.

    Args:
        horizon: days of history, and of the gap before the reference time.
        reference: the moment that the baseline is made for.
        first_day: start of the lake's first day, before the reference time.
    """
    known = (reference - first_day) / timedelta(days=1)
    return Horizon(min(horizon.days, known), min(horizon.gap_days, max(known - horizon.days, 0.0)))
