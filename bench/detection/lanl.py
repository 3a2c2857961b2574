"""LANL's flows of 2015 as sessions in Parquet, which ndr-delta reads; computers get addresses that stand for them.

    python -m bench.detection.lanl flows.txt.gz --out lanl

Ports that LANL made anonymous (N10451) become numbers above 1023. A flow has one direction: from a known port to an
anonymous one it is the answer of a service, whose client is then the source. Writes a file for each day; what is no
flow is counted.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from common.contracts.session import SESSION_COLUMNS
from common.contracts.types import arrow_schema
from tools.evaluate.labels.lanl import addresses_of, seconds_of
from tools.evaluate.labels.reading import Counts, Layout, read_columns

COLUMNS = ("time", "duration", "source", "source_port", "target", "target_port", "protocol", "packets", "bytes")
LAYOUT = Layout(COLUMNS, COLUMNS)
PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp"}
SCHEMA = arrow_schema(SESSION_COLUMNS)
DAY_SECONDS = 86_400


def sessions_of(rows: pd.DataFrame) -> pd.DataFrame:
    """The sessions of flows as texts; what has no time, computers, ports or numbers is left out."""
    starts, (sources, is_source), (targets, is_target) = (
        seconds_of(rows["time"]), addresses_of(rows["source"]), addresses_of(rows["target"])
    )  # fmt: skip
    numbers = {name: pd.to_numeric(rows[name], errors="coerce") for name in ("duration", "packets", "bytes")}
    ports = {name: _ports(rows[f"{name}_port"]) for name in ("source", "target")}
    known = {name: rows[f"{name}_port"].str.fullmatch("[0-9]+").to_numpy(dtype=bool) for name in ports}
    turned = known["source"] & ~known["target"]
    good = np.isfinite(starts) & is_source & is_target
    for values in (*numbers.values(), *ports.values()):
        good &= values.notna().to_numpy()
    found = pd.DataFrame({
        "start": starts, "duration_s": numbers["duration"], "protocol": rows["protocol"].map(PROTOCOLS).fillna("other"),
        "src_ip": sources.where(~turned, targets), "dst_ip": targets.where(~turned, sources),
        "src_port": np.where(turned, ports["target"], ports["source"]),
        "dst_port": np.where(turned, ports["source"], ports["target"]),
        **{f"{what}_{side}": numbers[what].where(turned == (side == "received"))
           for what in ("bytes", "packets") for side in ("sent", "received")},
    })  # fmt: skip
    return found[good]


def _ports(texts: pd.Series[str]) -> pd.Series[float]:
    """Ports as numbers; NaN for what is none."""
    number = pd.to_numeric(texts.str.removeprefix("N"), errors="coerce")
    anonymous = texts.str.startswith("N")
    return number.where(~anonymous, 1_024 + number % 64_512).where(lambda port: port.between(0, 65_535))


def table_of(sessions: pd.DataFrame) -> pa.Table:
    """The sessions in the canonical columns, of which those that flows lack are null."""
    start = pd.to_datetime(sessions["start"], unit="s", utc=True)
    end = start + pd.to_timedelta(sessions["duration_s"], unit="s")
    whole = ("src_port", "dst_port", "bytes_sent", "bytes_received", "packets_sent", "packets_received")
    given = sessions.drop(columns="start").assign(
        event_type="TRAFFIC", subtype="end", action="allow", repeat_count=1, start_ts=start, end_ts=end,
        **{name: sessions[name].astype("Int64") for name in whole},
    )  # fmt: skip
    columns = [
        pa.array(given[field.name], from_pandas=True).cast(field.type) if field.name in given
        else pa.nulls(len(given), field.type)
        for field in SCHEMA
    ]  # fmt: skip
    return pa.table(columns, schema=SCHEMA)


def convert(path: Path, out: Path) -> Counts:
    """Writes the files `day-001.parquet` and so on; returns what was read."""
    counts, writers = Counts(), dict[int, pq.ParquetWriter]()
    out.mkdir(parents=True)
    try:
        for columns in read_columns(path, LAYOUT, counts):
            rows = pd.DataFrame({name: column.to_pandas().astype(str) for name, column in columns.items()})
            sessions = sessions_of(rows)
            counts.add("no flow", len(rows) - len(sessions))
            for day, of_day in sessions.groupby((sessions["start"] // DAY_SECONDS).astype(int)):
                number = int(day)
                first = min(writers, default=number)
                if number not in writers:
                    writers[number] = pq.ParquetWriter(out / f"day-{number - first + 1:03d}.parquet", SCHEMA)
                writers[number].write_table(table_of(of_day))
    finally:
        for writer in writers.values():
            writer.close()
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("flows", type=Path, help="flows.txt, packed or not")
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    args = parser.parse_args()
    print(convert(args.flows, args.out))


if __name__ == "__main__":
    main()
