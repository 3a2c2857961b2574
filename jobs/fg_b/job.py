"""Reads a horizon of FG-A and pair counts, computes its baselines, and publishes them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from common.calendar.entries import read_calendar
from common.calendar.left_out import MEMORY, LeftOut
from common.errors import CommitError, InputError
from common.features.computed import check_computed
from common.features.spec import Horizon
from common.lake.extent import any_predicate, equal_predicate
from common.lake.ids import new_id
from common.lake.learning import day_of, first_day
from common.lake.publications import MEMBERS, TABLE, Publication, publications
from common.runtime.context import StageRun
from common.runtime.output import doing, message, progress
from common.windows import iso
from jobs.fg_b.config import BaselineConfig, history, known_part
from jobs.fg_b.left_out import History, read_without
from jobs.fg_b.passes import baselines_of, plan_passes
from jobs.fg_b.staging import staging
from jobs.fg_b.statistics import COMPUTED
from jobs.fg_b.transform import PAIR_SUBJECTS, ip_metadata, pair_baseline, published

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FEATURES = History("fg_a", ("host_ip",), MEMORY)
PAIRS = History("pair_counts", ("src_ip", "dst_ip"), timedelta(0))


def run(config: BaselineConfig, stage: StageRun) -> None:
    """Replaces the baselines of each horizon for the month; readers see them when its publication row is written."""
    check_computed(stage.spec, "baseline.statistics", stage.spec.statistics, COMPUTED, "jobs/fg_b/statistics.py")
    first, horizons = first_day(stage.lake), stage.project.baseline_horizons(stage.spec)
    if first is None or first >= config.reference:
        stage.report.learns(
            {
                name: f"{day_of(stage.lake, horizon)}: nothing before {iso(config.reference)} has features yet"
                for name, horizon in horizons.items()
            }
        )
        return
    known = {name: known_part(horizon, config.reference, first) for name, horizon in horizons.items()}
    for name, part in known.items():
        _Publisher(config, stage, name, part).publish()
    stage.report.learns(
        {
            name: f"{day_of(stage.lake, horizon)}: a provisional baseline, of the history so far"
            for name, horizon in horizons.items()
            if known[name] != horizon
        }
    )


class _Publisher:
    """The work on one horizon."""

    def __init__(self, config: BaselineConfig, stage: StageRun, name: str, horizon: Horizon) -> None:
        self._config, self._stage = config, stage
        self._name, self._horizon = name, horizon
        self._windows = history(name, horizon, config.reference)
        version, month = config.feature_spec_version, config.baseline_month
        current = publications(stage.lake, version).get((name, month))
        self._publication = Publication(version, name, month, new_id(after=current.publication_id if current else ""))
        self._rows: dict[str, int] = {}

    def publish(self) -> None:
        """Computes and writes the five tables, publishes them, and removes what no reader needs any more."""
        step = self._stage.report.step
        (rows, left_out), (counts, of_pairs) = self._read(FEATURES), self._read(PAIRS)
        count, first, last = self._extent(rows, "fg_a", left_out)
        self._extent(counts, "pair_counts", of_pairs)
        if left_out.rows:
            self._stage.report.details.setdefault("left_out_by_calendar", {})[self._name] = left_out.figures()
            message(f"horizon {self._name}: {left_out.words}", "info")
        with step(f"{self._name} host and segment"):
            self._statistics(rows, count)
        with step(f"{self._name} ip_metadata"):
            self._write("fg_b/ip_metadata", self._ip_metadata(rows))
        with step(f"{self._name} pairs"):
            last_day = self._windows.days()[-1]
            for table, subject in PAIR_SUBJECTS.items():
                rare_days = self._stage.spec.rare_pair_days
                self._write(table, pair_baseline(counts, subject, self._horizon, last_day, rare_days))
        self._point(first, last)
        self._remove_older()
        self._stage.report.rows_in += count

    def _read(self, history: History) -> tuple[DataFrame, LeftOut]:
        lake = self._stage.lake
        return read_without(lake, self._stage.session, history, self._windows, read_calendar(lake))

    def _extent(self, rows: DataFrame, table: str, left_out: LeftOut) -> tuple[int, datetime, datetime]:
        found = rows.agg(F.count("*"), F.min("window_start_ts"), F.max("window_end_ts")).collect()[0]
        if not found[0]:
            bounds = f"{iso(self._windows.start)}/{iso(self._windows.end)}"
            less = f" ({left_out.words})" if left_out.rows else ""
            raise InputError(
                f"table {table} has no rows in horizon {self._name} ({bounds}) before {iso(self._config.reference)}"
                f"{less}",
                "Backfill these windows, choose a later month or reference time, or a shorter horizon",
            )
        return int(found[0]), found[1], found[2]

    def _statistics(self, rows: DataFrame, count: int) -> None:
        spec = self._stage.spec
        passes = plan_passes(spec, count, self._config.pass_bytes)
        with staging(self._stage.lake, self._stage.session, self._config.engine) as place:
            progress(0, len(passes), "passes")
            for number, one in enumerate(passes, start=1):
                place.add(baselines_of(spec, rows, one))
                progress(number, len(passes), "passes")
            results = place.read()
            self._write("fg_b/host", results.where(F.col("host_ip").isNotNull()))
            self._write("fg_b/segment", results.where(F.col("host_ip").isNull()))

    def _ip_metadata(self, rows: DataFrame) -> DataFrame:
        spec, project = self._stage.spec, self._stage.project
        days = len(self._windows.days())
        return ip_metadata(rows, self._inventory(), days, spec.support_min, project.non_persistent_prefixes)

    def _inventory(self) -> DataFrame:
        """The machine names of the latest snapshot up to the month; without one, none."""
        lake, details = self._stage.lake, self._stage.report.details
        months = [partition["snapshot_month"] for partition in lake.partitions("machine_inventory")]
        latest = max((month for month in months if month <= self._config.baseline_month), default=None)
        details["machine_inventory"] = latest or "no snapshot up to the month: machine names are null"
        if latest is None:
            return self._stage.session.createDataFrame([], "host_ip string, machine_name string")
        return lake.read("machine_inventory", where=equal_predicate({"snapshot_month": latest})).select(
            "host_ip", "machine_name"
        )

    def _point(self, first: datetime, last: datetime) -> None:
        """Names the publication as the current one.

        Raises:
            CommitError: a run that began later has published before.
        """
        lake, report = self._stage.lake, self._stage.report
        counts = {f"rows_{table.removeprefix('fg_b/').replace('/', '_')}": rows for table, rows in self._rows.items()}
        bounds = {"history_start_ts": first, "history_end_ts": last, "reference_ts": self._config.reference}

        def pointed(before: pa.Table) -> pa.Table:
            previous = before["publication_id"][0].as_py() if len(before) else None
            if previous and previous > self._publication.publication_id:
                raise CommitError(
                    f"baselines of horizon {self._name} for month {self._config.baseline_month} were published by a "
                    f"run that began later ({previous})",
                    "These hold; run again if this run's were wanted",
                )
            self._publication = replace(self._publication, previous_id=previous)
            row = {**self._publication.partition, "previous_publication_id": previous, **counts, **bounds}
            return pa.Table.from_pylist([row], schema=lake.table(TABLE).arrow)

        version = lake.rewrite(TABLE, {key: [value] for key, value in self._publication.pointer.items()}, pointed)
        report.rows_out += 1
        report.wrote(TABLE, version, 1)

    def _remove_older(self) -> None:
        """Removes the rows of earlier runs but the previous publication's, which may still be read.

        Runs that began later keep theirs, and one that began earlier cannot publish any more.
        """
        kept = self._publication.publication_id, self._publication.previous_id
        for table in MEMBERS:
            found = self._stage.lake.partitions(table)
            held = [entry for entry in found if self._publication.pointer.items() <= entry.items()]
            older = [
                entry for entry in held if entry["publication_id"] < kept[0] and entry["publication_id"] != kept[1]
            ]
            if older:
                self._stage.lake.remove(table, any_predicate(older))

    def _write(self, table: str, frame: DataFrame) -> None:
        doing(f"writing {table}")
        partition = self._publication.partition
        rows = published(frame, partition, self._config.reference)
        version, written = self._stage.lake.replace(table, rows, partition)
        self._rows[table] = written
        self._stage.report.rows_out += written
        self._stage.report.wrote(table, version, written)
