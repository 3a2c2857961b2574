"""Keeps a lake small and fast: removes what is too old, puts small files together, and deletes what nobody needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from common.errors import InputError, NdrError, StageError, StorageError
from common.features.entries import listed, nearest
from common.features.spec import load_spec
from common.lake.compaction import groups, put_together
from common.lake.lake import Lake
from common.lake.lake_format import find_record
from common.lake.orphans import clear_up
from common.lake.together import Group
from common.runtime.output import activity, message
from common.runtime.run_report import RunReport
from common.storage.failures import require_writable
from common.storage.files import Folder
from jobs.maintain import models, sweeping
from jobs.maintain.config import MaintainConfig
from jobs.maintain.retention import MODELS, Kept, kept_days, newest_day, outdated, removed

COMMAND = "ndr-maintain"


def run(config: MaintainConfig, now: datetime | None = None) -> RunReport:
    """Does the upkeep, or with `dry_run` says what it would be; prints the run report.

    A lake without tables, as that of a project before its first window, has nothing to be kept up.

    Raises:
        ParameterError: a table is to be kept for less time than others need.
        InputError: there is no table of a name.
        StageError: a table could not be kept up; all others were.
    """
    project, moment = config.lake_project, now or datetime.now(UTC)
    spec = load_spec(project.feature_spec_version)
    kept = kept_days(project.settings, spec, config.keep)
    lake = Lake.opened(config.lake_uri, spec)
    wanted = _wanted(config, lake)
    is_there = find_record(lake) is not None
    if is_there and not config.dry_run:
        require_writable(config.lake_uri)
        clear_up(lake)
    report = RunReport(
        COMMAND,
        project_name=project.name,
        feature_spec_version=project.feature_spec_version,
        parameters=project.parameters,
        mini_batch_id=config.mini_batch_id,
        details={"dry_run": config.dry_run, "tables": {}},
    )
    if not is_there:
        message(f"{lake.uri} has no tables yet: there is nothing to keep up", "warning")
        report.show()
        return report
    upkeep = Upkeep(lake, report, config.dry_run, moment)
    with activity("", COMMAND):
        for name in wanted:
            upkeep.of_table(name, kept.get(name))
        if not config.tables:
            upkeep.of_models(project.name, kept[MODELS])
            upkeep.of_staging()
    report.show()
    if upkeep.failures:
        raise StageError(
            f"{len(upkeep.failures)} of {len(wanted)} tables could not be kept up; the first: {upkeep.failures[0]}",
            "All others were. Correct the cause and run again",
        )
    return report


def _wanted(config: MaintainConfig, lake: Lake) -> list[str]:
    for name in config.tables:
        if name not in lake.names:
            raise InputError(
                f"{name!r} is no table of a lake{nearest(name, lake.names)}", f"Tables: {listed(lake.names)}"
            )
    return [name for name in lake.names if name in (config.tables or lake.names) and lake.exists(name)]


class Upkeep:
    """The upkeep of one lake; `failures` has what went wrong with single tables."""

    def __init__(self, lake: Lake, report: RunReport, dry_run: bool, now: datetime) -> None:
        self.failures: list[str] = []
        self._lake, self._report, self._dry_run, self._now = lake, report, dry_run, now
        self._newest = newest_day(lake, now.date())

    def of_table(self, name: str, kept: Kept | None) -> None:
        """Removes outdated partitions, puts files of closed days together, and deletes files and logs of long ago."""
        done: dict[str, Any] = {}
        with self._step(name):
            commits = sweeping.commits_since_checkpoint(self._lake, name)
            gone = outdated(self._lake, name, kept.days, self._newest) if kept else []
            if gone:
                done["removed"] = self._removed(name, gone)
            if small := [group for group in groups(self._lake, name, self._is_closed) if group.partition not in gone]:
                done["put_together"] = self._put_together(name, small)
            if (unnamed := sweeping.unnamed(self._lake, name)).files:
                done["deleted"] = {"files": unnamed.files, "bytes": unnamed.bytes}
                if not self._dry_run:
                    self._lake.vacuum(name, full=True)
            if commits:
                done["commits_since_checkpoint"] = commits
                if not self._dry_run:
                    sweeping.shorten_log(self._lake, name)
        if done:
            self._report.details["tables"][name] = done

    def of_models(self, project_name: str, kept: Kept) -> None:
        """Removes models that nobody needs any more."""
        with self._step(MODELS):
            runs = models.unneeded(self._lake, project_name, kept.days, self._now)
            if not self._dry_run:
                runs = models.remove(self._lake, project_name, runs)
            if runs:
                self._report.details[MODELS] = {
                    "runs": [run.run_id for run in runs],
                    "files": sum(len(run.files) for run in runs),
                    "bytes": sum(run.bytes for run in runs),
                }

    def of_staging(self) -> None:
        """Removes what has waited for its publication for too long."""
        with self._step("staging"):
            if waiting := sweeping.staged_long_ago(self._lake, self._now):
                figures = {"files": len(waiting), "bytes": sum(entry.size for entry in waiting)}
                self._report.details["staging"] = figures
                for entry in () if self._dry_run else waiting:
                    with suppress(StorageError):  # published at this moment, or removed by another run
                        Folder(self._lake.uri).delete(entry.name)

    def _is_closed(self, partition: dict[str, str]) -> bool:
        """Whether no live window writes the partition: it is of a day before today, or of no day."""
        return partition.get("date", "") < f"{self._now:%Y-%m-%d}"

    def _removed(self, name: str, partitions: list[dict[str, str]]) -> dict[str, Any]:
        files = self._lake.files(name).to_pylist()
        held = [row for row in files if {key: str(row[f"partition.{key}"]) for key in partitions[0]} in partitions]
        if not self._dry_run:
            removed(self._lake, name, partitions)
        return {
            "partitions": len(partitions),
            "files": len(held),
            "bytes": sum(row["size_bytes"] for row in held),
            "rows": sum(row["num_records"] for row in held),
            "last": max(partitions[-1].get(key, "") for key in ("date", "baseline_month", "snapshot_month")),
        }

    def _put_together(self, name: str, small: list[Group]) -> dict[str, Any]:
        def progress(done: int) -> None:
            self._report.progress(name, done, len(small), "partitions")

        made = small if self._dry_run else put_together(self._lake, name, small, progress)
        figures = {
            "partitions": len(made),
            "files": sum(len(group.files) for group in made),
            "bytes": sum(group.bytes for group in made),
        }
        return figures | ({"left_to_the_next_run": len(small) - len(made)} if len(made) < len(small) else {})

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        """A step of the report; a table that cannot be kept up does not keep the others from it."""
        try:
            with self._report.step(name):
                yield
        except NdrError as error:
            self.failures.append(error.problem)
            message(f"{name} was left as it is: {error.problem}", "warning")
