"""The table `log_volume`, and the devices and zones that fell silent or far below their usual volume."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import dropwhile
from math import inf
from statistics import median

import pyarrow as pa

from common.config.project import ProjectParameters
from common.contracts.log_volume import LOG_VOLUME
from common.contracts.types import arrow_schema
from common.lake.lake import Lake
from common.lake.reader import LakeReader
from common.lake.window_files import window_files
from common.lake.window_status import joined_reasons
from common.runtime.run_report import RunReport
from common.storage.scratch import writing
from common.windows import GRID_OFFSET_SECONDS, WINDOW, Windows, iso, parse_moment
from jobs.delta.staging import SLICE

TABLE = LOG_VOLUME.name
WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)
WEEKS = 4
"""How many weeks before a window its expected volume comes from."""

FEWEST_WEEKS = 2
"""A device or zone that is known from fewer of them is not judged."""

NAMED = 3
"""A reason names so many falls."""

SHOWN = 100
"""The run report and the events name so many; `fallen` counts all."""

KEYS = ("device_serial", "src_zone")
RECORDS = "records"
COUNTED = [SLICE.name, *KEYS]
COUNTS = arrow_schema((SLICE, *(column for column in LOG_VOLUME.columns if column.name in (*KEYS, RECORDS))))
Source = tuple[str | None, str | None]
"""A device and one of its zones; the whole device where the zone is None."""

Volume = Mapping[Source, int]
"""Records of a window by source."""

Week = Mapping[int, Volume]
"""The windows of an hour that have any record, by their place in the hour, 0 to 3."""


@dataclass(frozen=True)
class Fall:
    """A device, or one of its zones, with far fewer records in a window than expected; all zones where it is None."""

    device: str | None
    zone: str | None
    expected: float
    found: int

    @property
    def kind(self) -> str:
        """What happened to it: silent or reduced."""
        return "reduced" if self.found else "silent"

    def __str__(self) -> str:
        device = "what names no device" if self.device is None else f"device {self.device}"
        source = device if self.zone is None else f"zone {self.zone} of {device}"
        return f"{source} is {self.kind}: {self.found:,} of {self.expected:,.0f} expected records"


def volume_of(parts: Iterable[pa.Table]) -> pa.Table:
    """The records of each slice number, device and zone among the sessions, in this order."""
    counts = [COUNTS.empty_table()]
    for rows in parts:
        found = rows.select(COUNTED).unify_dictionaries().group_by(COUNTED).aggregate([([], "count_all")])
        counts.append(found.rename_columns(COUNTS.names).cast(COUNTS))
    added = pa.concat_tables(counts).group_by(COUNTED).aggregate([(RECORDS, "sum")])
    return added.rename_columns(COUNTS.names).sort_by([(name, "ascending") for name in COUNTED])


def write_volume(lake: Lake, rows: pa.Table, windows: Windows) -> tuple[int, int]:
    """Replaces the windows of the table; returns its new version and their rows.

    Raises:
        CommitError: the table cannot be written.
    """
    with writing(lake.uri, TABLE), window_files(lake, TABLE, windows) as files:
        files.add(rows, rows[SLICE.name])
        files.flush()
        return lake.replace_files(TABLE, files.actions, windows), files.rows


def judged(lake: LakeReader, windows: Windows, project: ProjectParameters) -> dict[str, list[Fall]]:
    """The falls of each window that has any, by window key; the table holds the windows themselves already.

    Raises:
        TableError: the table is unreadable.
    """
    volumes = _volumes(lake, windows)
    found = {}
    for window in windows:
        weeks = [
            {place: volumes[one.key] for place, one in enumerate(_hours(window, back)) if one.key in volumes}
            for back in range(WEEKS, 0, -1)
        ]
        place = (window.start - _hours(window, 0).start) // WINDOW
        if falls := fallen(volumes.get(window.key, {}), weeks, place, project):
            found[window.key] = falls
    return found


def fallen(found: Volume, weeks: Sequence[Week], place: int, project: ProjectParameters) -> list[Fall]:
    """The devices and zones that are silent or far below what is expected, without the zones of silent devices.

    Args:
        found: the volume of the window.
        weeks: the same hour of each week before, the oldest first.
        place: that of the window in its hour.
        project: says from which expected volume on, and from which drop.
    """
    known = {source for week in weeks for volume in week.values() for source in volume}
    falls: dict[Source, Fall] = {}
    for device, zone in sorted(known, key=lambda source: [(name is not None, name or "") for name in source]):
        above = falls.get((device, None))
        expected = _expected((device, zone), weeks, place)
        if expected is None or expected < project.log_volume_minimum or (above and not above.found):
            continue
        records = found.get((device, zone), 0)
        if not records or records < project.log_volume_drop * expected:
            falls[device, zone] = Fall(device, zone, expected, records)
    return list(falls.values())


def reasons(falls: Mapping[str, Sequence[Fall]]) -> dict[str, str]:
    """Why the windows are incomplete, in a line each, by window key."""
    return {key: "; ".join([*map(str, found[:NAMED]), *_more(len(found))]) for key, found in falls.items()}


def report_falls(falls: Mapping[str, Sequence[Fall]], report: RunReport) -> None:
    """Adds the falls to the run report, and to its events as warnings."""
    if not falls:
        return
    rows = [
        {"window": iso(parse_moment(key)), **asdict(fall), "kind": fall.kind}
        for key, found in falls.items()
        for fall in found
    ]
    for row in rows[:SHOWN]:
        report.log(TABLE, "fallen", "warning", **row)
    report.details[TABLE] = {"fallen": len(rows), "windows": len(falls), "falls": rows[:SHOWN]}
    first, reason = next(iter(reasons(falls).items()))
    place = f"{len(falls):,} windows lack logs; the first, {iso(parse_moment(first))}: "
    report.incomplete_reason = joined_reasons(report.incomplete_reason, reason if len(falls) == 1 else place + reason)


def _expected(source: Source, weeks: Sequence[Week], place: int) -> float | None:
    """The lesser of the medians of the hour and of its window at the place, since the week that first has the source.

    At the begin and the end of working hours, the windows of an hour differ much. None for too few weeks.
    """
    since = dropwhile(lambda week: not any(source in volume for volume in week.values()), weeks)
    known = [week for week in since if week]
    if len(known) < FEWEST_WEEKS:
        return None
    of_hour = [volume.get(source, 0) for week in known for volume in week.values()]
    of_place = [week[place].get(source, 0) for week in known if place in week]
    return float(min(median(of_hour), median(of_place) if len(of_place) >= FEWEST_WEEKS else inf))


def _hours(windows: Windows, weeks_back: int) -> Windows:
    """The windows of the hours, from minute 08, that the windows touch, so many weeks before."""
    offset = timedelta(seconds=GRID_OFFSET_SECONDS)
    first, last = ((moment - offset).replace(minute=0) + offset for moment in (windows.start, windows.end - WINDOW))
    return Windows(first - weeks_back * WEEK, last + HOUR - weeks_back * WEEK)


def _volumes(lake: LakeReader, windows: Windows) -> dict[str, Volume]:
    """The volumes of the windows and of the same hours in the weeks before, by window key."""
    spans = (windows, *(_hours(windows, back) for back in range(1, WEEKS + 1)))
    dates = {f"{day:%Y-%m-%d}" for span in spans for day in span.days()}
    wanted = {"date": dates, "window": {one.key for span in spans for one in span}}
    found: dict[str, Counter[Source]] = defaultdict(Counter)
    for row in lake.arrow(TABLE, equal=wanted).to_pylist():
        volume, device, zone = found[row["window"]], row["device_serial"], row["src_zone"]
        volume[device, None] += row[RECORDS]
        if zone is not None:
            volume[device, zone] += row[RECORDS]
    return dict(found)


def _more(count: int) -> list[str]:
    return [f"and {count - NAMED:,} more"] if count > NAMED else []
