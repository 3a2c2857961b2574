"""Prints who met whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from common.cases.indicators import read_indicators
from common.display import counted
from common.lake.lake import Lake
from common.runtime.existing_lake import existing_lake
from common.runtime.output import activity, message
from common.runtime.rows import print_rows
from common.windows import iso
from tools.hunt.config import HuntConfig
from tools.hunt.contacts import Wanted, contacts

COLUMNS = ("host_ip", "role", "peer_ip", "peer_port", "first", "last", "sessions", "days_cnt", "indicators")


def run(config: HuntConfig) -> None:
    """Prints the contacts that are wanted, the newest first."""
    lake = existing_lake(config.lake_uri, config.feature_spec_version)
    with activity("reading contacts"):
        found = contacts(lake, Wanted(config.host, config.peer, config.port, config.app), config.days)
    shown = found.slice(0, config.top)
    known = _known(lake, shown)
    print_rows((_row(row, known) for row in shown.to_pylist()), config.form, COLUMNS)
    if len(found) > config.top:
        message(f"{config.top:,} of {counted(len(found), 'contact')} shown; --top shows more", "info")


def _known(lake: Lake, rows: pa.Table) -> dict[str, str]:
    """What indicators say of the peers, whatever the port and the time."""
    known = read_indicators(lake).of_addresses(pc.unique(rows["peer_ip"]))
    return {peer: "; ".join(one.words for one in indicators) for peer, indicators in known.items()}


def _row(row: Mapping[str, Any], known: Mapping[str, str]) -> Mapping[str, Any]:
    times = {name: iso(row[name]) for name in ("first", "last")}
    return {**row, **times, "indicators": known.get(row["peer_ip"])}
