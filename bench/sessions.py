"""Canonical sessions of windows as Parquet files."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.workload import SEED, UDP_PORTS, Network
from common.arrays import Integers
from common.contracts.session import SESSION_COLUMNS
from common.contracts.types import arrow_schema
from common.contracts.window_columns import TIMESTAMP, micros
from common.windows import WINDOW, Windows

ROWS_PER_FILE = 500_000
ROWS_PER_GROUP = 250_000
SCHEMA = arrow_schema(SESSION_COLUMNS)
SLICES_BEFORE = 95

FATES = (
    # share, subtype, action, end reason, app, whether there is a reply
    (0.62, "end", "allow", "tcp-fin", "ssl", True),
    (0.20, "end", "allow", "aged-out", "dns-base", True),
    (0.04, "end", "allow", "aged-out", "incomplete", False),
    (0.05, "end", "allow", "tcp-rst-from-client", "web-browsing", True),
    (0.03, "end", "allow", "tcp-rst-from-server", "ssl", True),
    (0.03, "deny", "deny", "policy-deny", "not-applicable", False),
    (0.02, "drop", "drop", "policy-deny", "not-applicable", False),
    (0.01, "end", "reset-both", "policy-deny", "ms-rdp", False),
)


def write_sessions(folder: Path, network: Network, windows: Windows, n: int) -> None:
    """Writes n sessions that end in each window to files of equal size, with unique ids and sequence numbers."""
    files = max(1, -(-n // ROWS_PER_FILE))
    bounds = [n * part // files for part in range(files + 1)]
    for position, window in enumerate(windows):
        for part, (first, last) in enumerate(pairwise(bounds), start=position * files):
            seed, slice_number = np.random.default_rng((SEED, part)), SLICES_BEFORE + position
            table = _sessions(seed, network, window, slice_number, position * n + first, last - first)
            path = folder / f"part-{part:05}.parquet"
            pq.write_table(table, path, compression="zstd", row_group_size=ROWS_PER_GROUP)


def _sessions(
    rng: np.random.Generator, network: Network, window: Windows, slice_number: int, first: int, n: int
) -> pa.Table:
    pairs = network.draw(rng, n, slice_number)
    fate = rng.choice(len(FATES), n, p=[entry[0] for entry in FATES])
    replied = np.array([entry[5] for entry in FATES])[fate]
    start, _ = micros(window)
    ends = start + rng.integers(0, WINDOW.seconds, n) * 1_000_000  # whole seconds, as in log lines
    seconds = np.where(replied, np.minimum(rng.lognormal(1, 1.5, n), 3600), 0).round()
    sent = rng.lognormal(7, 2, n).astype(np.int64) + 60
    received = np.where(replied, rng.lognormal(8, 2, n).astype(np.int64) + 60, 0)
    numbers = np.arange(first, first + n)
    columns = {
        "event_type": pa.repeat("TRAFFIC", n),
        "start_ts": pa.array(ends - (seconds * 1e6).astype(np.int64)).cast(TIMESTAMP),
        "end_ts": pa.array(ends).cast(TIMESTAMP),
        "duration_s": pa.array(seconds),
        "src_ip": network.addresses.take(pa.array(pairs.source)),
        "src_port": pa.array(rng.integers(1024, 65536, n), pa.int32()),
        "dst_ip": network.addresses.take(pa.array(pairs.destination)),
        "dst_port": pa.array(pairs.port, pa.int32()),
        "protocol": _chosen(("tcp", "udp"), np.isin(pairs.port, UDP_PORTS).astype(np.int64)),
        "bytes_sent": pa.array(sent),
        "bytes_received": pa.array(received),
        "packets_sent": pa.array(sent // 500 + 1),
        "packets_received": pa.array(received // 700 + replied),
        "rule": pa.repeat("default", n),
        "src_zone": pa.repeat("trust", n),
        "dst_zone": pa.repeat("untrust", n),
        "session_id": pa.array(numbers % 4_000_000 + 1).cast(pa.string()),
        "device_serial": pa.repeat("012345678901", n),
        "sequence_number": pa.array(numbers + 7_000_000_000),
        "repeat_count": pa.repeat(1, n).cast(pa.int64()),
    }
    for position, name in enumerate(("subtype", "action", "session_end_reason", "app"), start=1):
        columns[name] = _chosen([str(entry[position]) for entry in FATES], fate)
    arrays = [columns.get(field.name, pa.nulls(n, field.type)) for field in SCHEMA]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _chosen(texts: tuple[str, ...] | list[str], number: Integers) -> pa.Array:
    return pa.array(texts, pa.string()).take(pa.array(number))
