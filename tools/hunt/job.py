"""Prints who met whom."""

from __future__ import annotations

from common.display import counted
from common.runtime.existing_lake import existing_lake
from common.runtime.output import activity, message
from common.runtime.rows import print_rows
from common.windows import iso
from tools.hunt.config import HuntConfig
from tools.hunt.contacts import Wanted, contacts

COLUMNS = ("host_ip", "role", "peer_ip", "peer_port", "first", "last", "sessions", "days_cnt")


def run(config: HuntConfig) -> None:
    """Prints the contacts that are wanted, the newest first."""
    lake = existing_lake(config.lake_uri, config.feature_spec_version)
    with activity("reading contacts"):
        found = contacts(lake, Wanted(config.host, config.peer, config.port), config.app, config.days)
    rows = found.slice(0, config.top).to_pylist()
    times = ({name: iso(row[name]) for name in ("first", "last")} for row in rows)
    print_rows((row | when for row, when in zip(rows, times, strict=True)), config.form, COLUMNS)
    if len(found) > config.top:
        message(f"{config.top:,} of {counted(len(found), 'contact')} shown; --top shows more", "info")
