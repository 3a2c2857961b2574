"""Finds the sessions that an alert or a case is about, and prints them."""

from __future__ import annotations

from datetime import timedelta

import click

from common.cases.ends import Ends, firewall_filter, of_case, of_host
from common.cases.sessions import NAMES, TABLE, kept_windows, sessions_of
from common.detection.alerts.below import recent_with_below
from common.detection.alerts.cases import named_case
from common.display import counted
from common.errors import InputError
from common.lake.lake import Lake
from common.runtime.existing_lake import existing_lake
from common.runtime.output import activity, message
from common.runtime.rows import print_rows
from common.windows import Windows
from tools.sessions.config import SessionsConfig


def run(config: SessionsConfig) -> None:
    """Prints the sessions in order of their end, or the filter that finds them on the firewall."""
    lake = existing_lake(config.lake_uri, config.feature_spec_version)
    wanted, windows = _wanted(config, lake)
    if config.firewall_filter:
        click.echo(firewall_filter(wanted, windows.start, windows.end))
        return
    with activity("reading sessions"):
        kept = kept_windows(lake, windows)
        found = sessions_of(lake, wanted, kept)
    if missing := len(windows) - len(kept):
        message(f"the sessions of {counted(missing, 'window')} of {windows} are not in the lake", "warning")
    print_rows(found.slice(0, config.top).to_pylist(), config.form, NAMES)
    if len(found) > config.top:
        message(f"{config.top:,} of {counted(len(found), 'session')} shown; --top shows more", "info")


def _wanted(config: SessionsConfig, lake: Lake) -> tuple[list[Ends], Windows]:
    """Which sessions of which windows."""
    if config.case:
        with activity("finding the case"):
            cases = recent_with_below(lake, lake.spec, config.min_score)
            case = named_case(cases, config.case, lake.uri, config.min_score)
        return of_case(case), config.windows or Windows(case.start, case.end)
    assert config.host
    return of_host(config.host, config.peer, config.port), config.windows or _last_day(lake)


def _last_day(lake: Lake) -> Windows:
    """The last day that has sessions."""
    held = lake.window_bounds(TABLE)
    if held is None:
        raise InputError(f"{lake.uri} keeps no sessions", "They are kept for sessions_retention_days of the settings")
    return Windows(held.end - timedelta(days=1), held.end)
