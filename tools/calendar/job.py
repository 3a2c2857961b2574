"""Puts a calendar in place, and prints what each entry changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from common.addresses import Segments
from common.calendar.entries import TABLE, Calendar, Scope, parse_calendar, read_calendar
from common.calendar.left_out import MEMORY, LeftOut
from common.detection.alerts.cases import Case, recent_cases
from common.detection.alerts.planned import Planned
from common.display import counted
from common.features.spec import load_spec
from common.lake.lake import Lake
from common.lake.lake_format import known_record
from common.lake.put_texts import put_text
from common.runtime.lake_project import lake_project
from common.runtime.output import activity, message
from common.runtime.rows import print_rows
from common.storage.files import Folder
from common.storage.filesystems import normal_uri
from tools.calendar.config import CalendarConfig

COLUMNS = (
    "name", "reason", "owner", "start", "end", "state", "about", "hosts_cnt", "days_cnt", "rows_cnt", "hides_cnt",
    "hides",
)  # fmt: skip
ROWS = "fg_a"
PREDICTIONS = "predictions"


def run(config: CalendarConfig) -> None:
    """Prints each entry with what it leaves out of the lake and hides; with `put`, puts the calendar in place before.

    Raises:
        ParameterError: the calendar is wrong.
        InputError: it is too large, or somebody else put another one in place meanwhile.
    """
    project = lake_project(config.lake_uri, feature_spec_version=config.feature_spec_version)
    lake = Lake.opened(config.lake_uri, load_spec(project.feature_spec_version))
    known_record(lake)
    calendar = _put(config, lake, project.settings.segments) if config.put else read_calendar(lake)
    with activity("counting"):
        every = _counted(lake, calendar)
        alone = [_counted(lake, Calendar((scope,))) for scope in calendar.scopes]
        cases = recent_cases(lake, lake.spec, config.min_score) if lake.exists(PREDICTIONS) else []
    print_rows(_rows(calendar, alone, cases), config.form, COLUMNS)
    if calendar:
        message(every.words, "info")


def _put(config: CalendarConfig, lake: Lake, segments: Mapping[str, str]) -> Calendar:
    """The calendar of the file; without `preview`, it is in place."""
    assert config.put
    folder, _, name = normal_uri(config.put).rpartition("/")
    content = Folder(folder).read(name)
    entries = parse_calendar(content, config.put, segments).entries
    if not config.preview:
        is_new = put_text(lake, TABLE, "calendar", content.decode("utf-8"), config.by, datetime.now(UTC))
        said = "is in place now" if is_new else "was in place already"
        message(f"the calendar with {counted(len(entries), 'period')} {said}", "info")
    return Calendar(tuple(Scope(entry, Segments(segments)) for entry in entries))


def _counted(lake: Lake, calendar: Calendar) -> LeftOut:
    """What the calendar leaves out of the features that the lake has; only dates that it touches are read."""
    left_out, held = LeftOut(calendar, MEMORY), lake.window_bounds(ROWS)
    for day in held.by_day() if held else ():
        if calendar.touching(day, MEMORY):
            rows = lake.arrow(ROWS, ["window_start_ts", "host_ip"], day, coded=["host_ip"])
            left_out.kept(rows["window_start_ts"], rows["host_ip"])
    left_out.found = lake.count(ROWS) if held else 0
    return left_out


def _rows(calendar: Calendar, alone: Sequence[LeftOut], cases: Sequence[Case]) -> Iterator[Mapping[str, Any]]:
    now = datetime.now(UTC)
    for scope, left_out in zip(calendar.scopes, alone, strict=True):
        entry, figures = scope.entry, left_out.figures()
        hides = [case.case_id for case in cases if Planned(scope).hides(case)]
        yield {
            **{name: getattr(entry, name) for name in ("name", "reason", "owner", "start", "end")},
            "state": "over" if entry.end_ts <= now else "ahead" if entry.start_ts > now else "going on",
            "about": ["all hosts"] if entry.all_hosts else [*entry.hosts, *entry.segments],
            **{f"{name}_cnt": figures[name] for name in ("hosts", "days", "rows")},
            "hides_cnt": len(hides),
            "hides": hides,
        }
