"""Finds the sessions that an alert or a case is about, and prints them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import reduce

import click
import pyarrow as pa
import pyarrow.compute as pc

from common.contracts.session import SESSION_COLUMNS, SOURCE_COLUMNS
from common.detection.alerts.cases import case_of_id
from common.display import counted
from common.errors import InputError
from common.features.spec import load_spec
from common.lake.lake import Lake
from common.lake.lake_format import known_record
from common.lake.window_rows import rows_by_window
from common.runtime.lake_project import lake_identity
from common.runtime.output import activity, message
from common.runtime.rows import print_rows
from common.windows import Windows
from tools.sessions.config import SessionsConfig
from tools.sessions.wanted import Ends, firewall_filter, of_case, of_host

TABLE = "sessions"
NAMES = [column.name for column in (*SESSION_COLUMNS, *SOURCE_COLUMNS)]


def run(config: SessionsConfig) -> None:
    """Prints the sessions in order of their end, or the filter that finds them on the firewall."""
    identity = lake_identity(config.lake_uri, feature_spec_version=config.feature_spec_version)
    lake = Lake.opened(config.lake_uri, load_spec(identity.feature_spec_version))
    known_record(lake)
    wanted, windows = _wanted(config, lake)
    if config.firewall_filter:
        click.echo(firewall_filter(wanted, windows.start, windows.end))
        return
    with activity("reading sessions"):
        found = sessions_of(lake, wanted, windows)
    if missing := _not_kept(lake, windows):
        message(f"the sessions of {counted(missing, 'window')} of {windows} are not in the lake", "warning")
    print_rows(found.slice(0, config.top).to_pylist(), config.form, NAMES)
    if len(found) > config.top:
        message(f"{config.top:,} of {counted(len(found), 'session')} shown; --top shows more", "info")


def sessions_of(lake: Lake, wanted: Sequence[Ends], windows: Windows) -> pa.Table:
    """The wanted sessions of those of the windows that are kept, with all columns, in order of their end.

    Raises:
        TableError: the table is unreadable.
    """
    return pa.concat_tables(_found(lake, wanted, windows)).sort_by([("end_ts", "ascending")])


def _not_kept(lake: Lake, windows: Windows) -> int:
    held = rows_by_window(lake, TABLE, windows)
    return sum(window.key not in held for window in windows)


def _wanted(config: SessionsConfig, lake: Lake) -> tuple[list[Ends], Windows]:
    """Which sessions of which windows."""
    if config.case:
        with activity("finding the case"):
            case = case_of_id(lake, lake.spec, config.case, config.min_score)
        return of_case(case), config.windows or Windows(case.start, case.end)
    assert config.host
    return of_host(config.host, config.peer, config.port), config.windows or _last_day(lake)


def _last_day(lake: Lake) -> Windows:
    """The last day that has sessions."""
    held = lake.window_bounds(TABLE)
    if held is None:
        raise InputError(f"{lake.uri} keeps no sessions", "They are kept for sessions_retention_days of the settings")
    return Windows(held.end - timedelta(days=1), held.end)


def _found(lake: Lake, wanted: Sequence[Ends], windows: Windows) -> Iterator[pa.Table]:
    """The wanted sessions of each window that is kept."""
    held = rows_by_window(lake, TABLE, windows)
    kept = [window for window in windows if window.key in held]
    schema = pa.schema([lake.table(TABLE).arrow.field(name) for name in NAMES])
    yield schema.empty_table()
    for window in kept:
        rows = lake.arrow(TABLE, NAMES, window).cast(schema)
        yield rows.filter(reduce(pc.or_, (ends.among(rows) for ends in wanted)))
