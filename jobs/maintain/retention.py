"""How long each table is kept, how long it must be, and which of its partitions are older."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil

from common.config.project import ProjectParameters
from common.errors import ParameterError
from common.features.entries import listed, nearest
from common.features.spec import FeatureSpec
from common.lake.extent import any_predicate
from common.lake.lake import Lake
from common.lake.publications import MEMBERS
from common.lake.publications import TABLE as PUBLICATIONS

MODELS = "models"
WEEKS_OF_VOLUME = 4
MONTH_DAYS = 31
TABLES = {
    "rejected_days": ("sessions_rejected",),
    "slices_days": ("delta_host", "delta_pair", "session_keys", "log_volume"),
    "features_days": ("fg_a", "fg_c", "pair_counts", "window_status", "model_drift"),
    "predictions_days": ("predictions", "prediction_join", "handovers"),
    "privacy_days": ("privacy_log",),
    "baselines_days": (PUBLICATIONS, *MEMBERS, "machine_inventory"),
    "models_days": (MODELS,),
}
"""The tables that each setting is about; `model_decisions`, `triage`, `indicators`, `allow_lists` and `calendars` are
kept for good."""


@dataclass(frozen=True)
class Least:
    """The fewest days that something may be kept, and who needs them."""

    days: int
    reader: str


@dataclass(frozen=True)
class Kept:
    """How many days of a table are kept, and the setting or option that says so."""

    days: int
    source: str


def kept_days(project: ProjectParameters, spec: FeatureSpec, options: Mapping[str, int]) -> dict[str, Kept]:
    """How long each table, and `models`, are kept: by the options, else by the settings.

    Raises:
        ParameterError: that is less than others need, or an option names no table.
    """
    settings = project.retention
    found = {
        table: Kept(getattr(settings, name), f"retention.{name}") for name, tables in TABLES.items() for table in tables
    }
    found["pair_days"] = Kept(settings.slices_days + spec.lookback_days, "retention.slices_days")
    of_sessions = Kept(project.sessions_retention_days, "sessions_retention_days")
    found |= {"sessions": of_sessions, "open_sessions": of_sessions}
    if unknown := sorted(options.keys() - found):
        raise ParameterError(
            f"--keep {unknown[0]} names nothing that is kept for some days{nearest(unknown[0], tuple(found))}",
            f"Name one of {listed(sorted(found))}",
        )
    found |= {table: Kept(days, f"--keep {table}") for table, days in options.items()}
    least = least_days(project, spec)
    for table, kept in found.items():
        if table in least and kept.days < least[table].days:
            raise ParameterError(
                f"{kept.source} is {kept.days}, but {least[table].reader} needs {least[table].days} days of {table}",
                f"Give at least {least[table].days}",
            )
    return found


def least_days(project: ProjectParameters, spec: FeatureSpec) -> dict[str, Least]:
    """The fewest days of each table with which all stages still find what they look back on."""
    of_training = Least(project.retention.training_reach_days, "training")
    history = max(ceil(one.days + one.gap_days) for one in project.baseline_horizons(spec).values())
    of_baselines = Least(history + MONTH_DAYS, "ndr-fg-b")
    of_features = max(of_training, of_baselines, key=lambda least: least.days)
    of_pairs = max(of_training, Least(spec.lookback_days + 1, "ndr-fg-a"), key=lambda least: least.days)
    two_months = Least(2 * MONTH_DAYS, "ndr-fg-c")
    return {
        **dict.fromkeys(("delta_host", "delta_pair", "fg_c", "window_status"), of_training),
        **dict.fromkeys(("fg_a", "pair_counts"), of_features),
        "pair_days": of_pairs,
        "log_volume": Least(7 * WEEKS_OF_VOLUME + 1, "ndr-delta"),
        "session_keys": Least(2, "ndr-delta"),
        "open_sessions": Least(2, "ndr-delta"),
        "predictions": Least(2, "ndr-join"),
        **dict.fromkeys(TABLES["baselines_days"], two_months),
    }


def newest_day(lake: Lake, today: date) -> date:
    """The newest date of the lake's slices and features, but none after today, as logs of a wrong clock have it."""
    found = [entry["date"] for name in ("delta_host", "fg_a") if lake.exists(name) for entry in lake.partitions(name)]
    return min(today, max(map(date.fromisoformat, found), default=today))


def outdated(lake: Lake, name: str, days: int, newest: date) -> list[dict[str, str]]:
    """The partitions of the table that are more than so many days older than the newest; the newest month stays."""
    first = newest - timedelta(days=days)
    partitions = lake.partitions(name)
    if not partitions or "date" in partitions[0]:
        return [entry for entry in partitions if entry["date"] < f"{first}"]
    month = next(key for key in ("baseline_month", "snapshot_month") if key in partitions[0])
    last = {_horizon(entry): entry[month] for entry in sorted(partitions, key=lambda entry: entry[month])}
    return [entry for entry in partitions if entry[month] < f"{first:%Y-%m}" and entry[month] != last[_horizon(entry)]]


def _horizon(entry: Mapping[str, str]) -> str:
    return entry.get("baseline_horizon", "")


def removed(lake: Lake, name: str, partitions: list[dict[str, str]]) -> None:
    """Removes the partitions in one commit that rewrites no file.

    Raises:
        CommitError: the table cannot be written.
    """
    if "date" in partitions[0]:
        days = sorted({entry["date"] for entry in partitions})
        lake.remove(name, f"date >= '{days[0]}' AND date <= '{days[-1]}'")
    else:
        lake.remove(name, any_predicate(partitions))
