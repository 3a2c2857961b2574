"""What hosts did over time: scores in the windows, sessions, bytes and peers against baselines, and 30 days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from common.arrays import Integers
from common.cases.baselines import medians_of, subjects
from common.cases.contact_days import tables_of_days
from common.cases.evidence import Medians, Subject
from common.cases.wording import feature_names
from common.coded import compacted, encoded
from common.features.spec import FeatureSpec
from common.lake.lake import Lake
from common.windows import WINDOW, Windows

SHOWN = {
    "sessions_cnt": "sessions",
    "bytes_src_sum": "bytes sent",
    "peer_ip_nunique": "distinct peers",
    "peer_port_nunique": "distinct ports",
    "new_peer_cnt_lookback30d": "new peers",
}
"""The metrics of FG-A that are drawn, of outbound sessions in 15 minutes, in words."""

BYTES = ("bytes_src_sum",)
LABEL = "w_15m"
DAYS = 30
COLUMNS_OF_DAYS = ["host_ip", "peer_ip", "sessions_cnt"]
SCALE = 50
"""Scores are drawn in hundredths of two decades: 0 to 250 are 0 to 5 decades; 255 is no activity."""

IDLE = 255


def score_matrix(scores: pa.Table, windows: Windows) -> tuple[list[str], Integers]:
    """The hosts, the highest first, and their scores in decades, `(n_hosts, n_windows)`, in 1/`SCALE`; `IDLE` for none.

    Args:
        scores: `host_ip`, `anomaly_score` and `window_start_ts` of predictions.
        windows: the windows that they are of.
    """
    hosts = compacted(encoded(scores["host_ip"]))
    place = scores["window_start_ts"].cast(pa.int64()).to_numpy() - int(windows.start.timestamp()) * 1_000_000
    place //= WINDOW // timedelta(microseconds=1)
    value = scores["anomaly_score"].to_numpy()
    decades = -np.log10(np.maximum(1.0 - value, 1e-5))
    matrix = np.full((len(hosts.dictionary), len(windows)), IDLE, dtype=np.int64)
    matrix[np.asarray(hosts.indices), place] = np.minimum(np.rint(decades * SCALE), 250)
    names = hosts.dictionary.to_pylist()
    highest = np.where(matrix == IDLE, -1, matrix).max(axis=1, initial=-1)
    order = sorted(range(len(names)), key=lambda number: (-highest[number], names[number]))
    return [names[number] for number in order], matrix[order]


def activity(
    lake: Lake, spec: FeatureSpec, horizon: str, hosts: Sequence[str], windows: Windows
) -> dict[str, list[dict[str, Any]]]:
    """For each host the drawn metrics: a value for each window, None where it was idle, and what is usual then.

    `low` and `high` are the quartiles of the host's baseline in the time band of each window, or else of its segment
    (`of`); None without one.
    """
    names = {metric: spec.fg_a_name("outbound", metric, LABEL) for metric in SHOWN}
    if not hosts or not lake.exists("fg_a"):
        return {}
    rows = lake.arrow("fg_a", ["host_ip", "window_start_ts", *names.values()], windows, equal={"host_ip": hosts})
    values = {(row["host_ip"], row["window_start_ts"] + WINDOW): row for row in rows.to_pylist()}
    compared = subjects(lake, values, horizon)
    known = feature_names(spec)
    drawn = [known[name] for name in names.values()]
    medians = medians_of(lake, spec.version, horizon, drawn, set(compared.values()))
    ends = [window.end for window in windows]
    found: dict[str, list[dict[str, Any]]] = {}
    for host in sorted({host for host, _ in values}):
        found[host] = []
        for metric, words in SHOWN.items():
            usual = [_usual(medians, compared.get((host, end)), metric) for end in ends]
            found[host].append(
                {
                    "metric": words,
                    "bytes": metric in BYTES,
                    "values": [values.get((host, end), {}).get(names[metric]) for end in ends],
                    "low": [low for low, _, _ in usual],
                    "high": [high for _, high, _ in usual],
                    "of": next((of for _, _, of in usual if of), None),
                }
            )
    return found


def _usual(
    medians: Medians, compared: tuple[Subject, str] | None, metric: str
) -> tuple[float | None, float | None, str | None]:
    """The quartiles that a window is compared with, and whose they are."""
    if compared is not None:
        subject, month = compared
        for of, whose in (("host", subject.host_ip), ("segment", subject.segment_id)):
            found = medians.get((month, of, whose, "outbound", subject.time_band, LABEL, metric))
            if found is not None:
                return found[1], found[2], of
    return None, None, None


def days(lake: Lake, hosts: Sequence[str], last: date) -> dict[str, list[dict[str, Any]]]:
    """For each host and each of 30 UTC dates: sessions, peers, and peers that it had not met on the dates before.

    Dates that are not rolled up yet are taken from `delta_pair`.
    """
    found: dict[str, list[dict[str, Any]]] = {host: [] for host in hosts}
    met: dict[str, set[str]] = {host: set() for host in hosts}
    for (name, _), day in tables_of_days(lake, DAYS, f"{last:%Y-%m-%d}"):
        rows = lake.arrow(name, COLUMNS_OF_DAYS, equal={"date": day, "host_ip": hosts, "role": "outbound"})
        by_host: dict[str, list[dict[str, Any]]] = {}
        for row in rows.to_pylist():
            by_host.setdefault(row["host_ip"], []).append(row)
        for host, mine in by_host.items():
            peers = {row["peer_ip"] for row in mine}
            sessions = sum(row["sessions_cnt"] for row in mine)
            entry = {"date": day, "sessions": sessions, "peers": len(peers), "new": len(peers - met[host])}
            found[host].append(entry)
            met[host] |= peers
    return found
