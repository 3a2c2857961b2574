"""The run report of a stage, and the events of its steps."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

import click

from common.runtime.events import Level, run_id
from common.runtime.metrics import members_of_report
from common.runtime.output import Work, close, working


@dataclass
class RunReport:
    """The outcome of a run: rows in, out and rejected, seconds per step, and the version of each table written.

    `parameters` says where the settings are from: `lake`, the source that was given, or `defaults`.
    `incomplete_reason` says what is missing of the input: files, or parts of them, that nobody can read. `run_id` is
    that of all events of the run. `bytes_in` are those of the files that were read, as they are stored.
    """

    stage: str
    window: str | None = None
    engine: str | None = None
    project_name: str | None = None
    feature_spec_version: str | None = None
    parameters: str | None = None
    mini_batch_id: str | None = None
    run_id: str = field(default_factory=run_id)
    rows_in: int = 0
    rows_out: int = 0
    rows_rejected: int = 0
    bytes_in: int | None = None
    incomplete_reason: str | None = None
    steps: list[dict[str, Any]] = field(default_factory=list)
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic, repr=False)
    _stream: TextIO = field(default_factory=lambda: sys.stderr, repr=False)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times a step and logs its start and end."""
        with working(self._work(name)) as seconds:
            yield
        self.steps.append({"step": name, "seconds": seconds()})

    def progress(self, step: str, done: int, total: int | None, unit: str) -> None:
        """Shows the progress of a step, like `12 of 96 windows`; `total` is None where nobody knows it.

        Call it as often as there is news: without a bar, it is said every few seconds. `bytes` are shown in megabytes.
        """
        self.log(step, "progress", done=done, total=total, unit=unit)

    def log(self, step: str, event: str, level: Level = "info", **values: Any) -> None:
        """Logs an event of a step: on a terminal a line or a bar, elsewhere a JSON line."""
        self._work(step).tell(event, level, **values)

    def _work(self, step: str) -> Work:
        return Work("info", self.stage, step, self.run_id, self._stream)

    def learns(self, days: Mapping[str, str]) -> None:
        """Notes what a young project lacks yet, and on which day of its history it is, by horizon or for the model."""
        if days:
            self.details["learning"] = dict(days)
            self.log("", "learning", days=dict(days))

    def wrote(self, table: str, version: int, rows: int) -> None:
        """Records a committed table."""
        self.tables[table] = {"version": version, "rows": rows}
        self.log(table, "written", "debug", table_version=version, rows=rows)

    def show(self) -> None:
        """Prints the report on stdout, below what stays on a terminal."""
        close()
        click.echo(self.to_json())

    def to_json(self) -> str:
        """The report as one JSON object, which is a line of metrics, too, where these are wanted."""
        public = {name: value for name, value in vars(self).items() if not name.startswith("_") and value is not None}
        report = public | {"seconds": round(time.monotonic() - self._began, 3)}
        return json.dumps(report | members_of_report(report))
