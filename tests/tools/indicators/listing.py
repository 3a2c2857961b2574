"""Lakes with contacts, and what ndr-indicators says of them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from common.lake.lake import Lake
from common.windows import WINDOW, Windows
from tests.commands import call
from tests.factories import SPEC, table_row
from tests.lakes import write_table
from tools.indicators.cli import main

LAST = Windows.parse("2026-03-10T13:08Z")
LONG_AGO = Windows(LAST.start - timedelta(days=40), LAST.end - timedelta(days=40))
BAD, NEXT, OTHER = "203.0.113.9", "203.0.113.10", "198.51.100.7"


def contacts_lake(folder: Path) -> Path:
    """Two hosts that met a peer, one of them 40 days ago; a host that another address met; one that met a third."""
    opened = Lake(str(folder), SPEC)
    days, slices = opened.table("pair_days"), opened.table("delta_pair")
    pair = {"role": "outbound", "peer_ip": BAD, "peer_port": 443}
    old = table_row(days, LONG_AGO, host_ip="10.1.1.1", sessions_cnt=7, source_digest="d", **pair,
                    first_slice_ts=LONG_AGO.start, last_slice_ts=LONG_AGO.start + WINDOW)  # fmt: skip
    write_table(folder, "pair_days", [old])
    times = {"protocol": "tcp", "first_ts": LAST.start, "last_ts": LAST.start}
    rows = [
        {"host_ip": "10.1.1.2", "sessions_cnt": 3, **pair},
        {"host_ip": "10.1.1.3", "sessions_cnt": 2, "role": "inbound", "peer_ip": NEXT, "peer_port": 443},
        {"host_ip": "10.1.1.4", "sessions_cnt": 1, "role": "outbound", "peer_ip": OTHER, "peer_port": 22},
    ]
    write_table(folder, "delta_pair", [table_row(slices, LAST, **times, **row) for row in rows])
    return folder


def said(lake: Path, *words: str | Path) -> tuple[list[dict[str, Any]], str]:
    """The rows and the messages of a command."""
    verb, *options = words
    code, text, error = (
        call(main, str(verb), "--lake", str(lake), "--by", "ann", *map(str, options))
        if verb not in ("list", "hits")
        else call(main, str(verb), "--lake", str(lake), *map(str, options))
    )
    assert code == 0, error
    return [json.loads(line) for line in text.splitlines()], error


def hosts(rows: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    return [(row["host_ip"], row["peer_ip"], row["sessions"]) for row in rows]
