"""Learning: that a young project has no baselines or no model yet is a state of its lake, not an error.

Stages that lack them succeed and say on which day of the history the project is.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from common.errors import InputError
from common.features.spec import Horizon

if TYPE_CHECKING:
    from common.config.project import ProjectParameters
    from common.lake.reader import LakeReader


def days_of_history(lake: LakeReader) -> int:
    """The number of dates with features."""
    return len(_dates(lake))


def first_day(lake: LakeReader) -> datetime | None:
    """The start of the first date with features, in UTC; None without any."""
    dates = _dates(lake)
    return datetime.fromisoformat(min(dates)).replace(tzinfo=UTC) if dates else None


def day_of(lake: LakeReader, horizon: Horizon) -> str:
    """`day N of M`: the days with features, of those that the horizon and its gap need."""
    needed = days_needed(horizon)
    return f"day {min(days_of_history(lake), needed)} of {needed}"


def day_of_project(lake: LakeReader, project: ProjectParameters) -> str:
    """The same for the horizon that the project's model is trained on."""
    return day_of(lake, project.horizon_of_model(lake.spec))


def is_young(lake: LakeReader, project: ProjectParameters) -> bool:
    """Whether the lake has fewer days with features than the horizon of the project's model and its gap."""
    return days_of_history(lake) < days_needed(project.horizon_of_model(lake.spec))


def learning_at(lake: LakeReader, project: ProjectParameters, moment: datetime) -> str:
    """`learning, N of M days` where the moment lies on day N of a project whose model needs M days; empty later.

    Empty also without features, of which a project learns.
    """
    first, needed = first_day(lake), days_needed(project.horizon_of_model(lake.spec))
    day = (moment.date() - first.date()).days + 1 if first else needed
    return f"learning, {max(day, 1)} of {needed} days" if day < needed else ""


def days_needed(horizon: Horizon) -> int:
    """The days of history with which the horizon's baseline is no longer provisional."""
    return math.ceil(horizon.days + horizon.gap_days)


def nothing_scored(lake: LakeReader, project: ProjectParameters) -> InputError:
    """The error of a tool that shows scores, in a lake that has none yet: how far it has learnt, and what to run."""
    return InputError(
        f"nothing is scored yet in {lake.uri}: {day_of_project(lake, project)} of learning",
        "Make baselines with ndr-fg-b and a model with ndr-if-training, then run ndr-inference",
    )


def _dates(lake: LakeReader) -> set[str]:
    return {entry["date"] for entry in lake.partitions("fg_a")} if lake.exists("fg_a") else set()
