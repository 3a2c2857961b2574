"""What hosts did over time: their scores, and sessions, bytes and peers against their baselines."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from common.arrays import Integers
from common.cases.baselines import medians_of, subjects
from common.cases.evidence import Medians, Subject
from common.cases.wording import feature_names
from common.coded import compacted, encoded
from common.features.spec import FeatureSpec
from common.lake.lake import Lake
from common.windows import WINDOW, Windows, iso

SHOWN = {
    "sessions_cnt": "sessions",
    "bytes_src_sum": "bytes sent",
    "bytes_dst_sum": "bytes received",
    "peer_ip_nunique": "distinct peers",
    "peer_port_nunique": "distinct ports",
    "new_peer_cnt_lookback30d": "new peers",
}
"""The metrics of FG-A that are drawn, of outbound sessions in 15 minutes, in words."""

BYTES = ("bytes_src_sum", "bytes_dst_sum")
LABEL, DAY_LABEL = "w_15m", "w_24h"
DAILY = {
    "sessions": "sessions_cnt",
    "sent": "bytes_src_sum",
    "denied": "deny_cnt",
    "unanswered": "zero_reply_cnt",
    "ports": "peer_port_nunique",
    "peers": "peer_ip_nunique",
}
"""The metrics of FG-A behind what is drawn of each day."""

DAYS = 30
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


def longer(lake: Lake, hosts: Sequence[str], windows: Windows, first: datetime) -> dict[str, Any] | None:
    """The scores of the hosts in 30 days up to the end of the windows, or from `first` on if that is later.

    As `score_matrix` has them: `scores` is base64 of a row for each of `hosts`, whose first window starts at `start`.
    None if nothing is scored before the windows.

    Raises:
        TableError: `predictions` is unreadable.
    """
    month = Windows(max(first, min(windows.start, windows.end - timedelta(days=DAYS))), windows.end)
    if month.start >= windows.start or not hosts:
        return None
    columns = ["host_ip", "anomaly_score", "window_start_ts"]
    names, matrix = score_matrix(lake.arrow("predictions", columns, month, equal={"host_ip": hosts}), month)
    return {"start": iso(month.start), "hosts": names, "windows": len(month), "scores": packed(matrix)}


def packed(matrix: Integers) -> str:
    """The matrix as base64 of a byte for each value."""
    return base64.b64encode(matrix.astype(np.uint8).tobytes()).decode()


def activity(
    lake: Lake, spec: FeatureSpec, horizon: str, hosts: Sequence[str], windows: Windows
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, dict[str, Any]]]:
    """For each host the drawn metrics: a value for each window, None where it was idle, and what is usual then.

    `low` and `high` are the quartiles of the host's baseline in the time band of each window, or else of its segment
    (`of`); None without one. Also, for each host, the same quartiles of the metrics of a day (`DAILY`), in the 24 hours
    up to the last window in which it was compared.
    """
    names = {metric: spec.fg_a_name("outbound", metric, LABEL) for metric in SHOWN}
    if not hosts or not lake.exists("fg_a"):
        return {}, {}
    rows = lake.arrow("fg_a", ["host_ip", "window_start_ts", *names.values()], windows, equal={"host_ip": hosts})
    values = {(row["host_ip"], row["window_start_ts"] + WINDOW): row for row in rows.to_pylist()}
    compared = subjects(lake, values, horizon)
    known = feature_names(spec)
    daily = [spec.fg_a_name("outbound", metric, DAY_LABEL) for metric in DAILY.values()]
    drawn = [known[name] for name in (*names.values(), *daily)]
    medians = medians_of(lake, spec.version, horizon, drawn, set(compared.values()))
    ends = [window.end for window in windows]
    found: dict[str, list[dict[str, Any]]] = {}
    for host in sorted({host for host, _ in values}):
        found[host] = []
        for metric, words in SHOWN.items():
            usual = [_usual(medians, compared.get((host, end)), LABEL, metric) for end in ends]
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
    last = {host: compared[host, end] for host, end in sorted(compared)}
    usual_days = {
        host: {name: _usual(medians, subject, DAY_LABEL, metric)[:2] for name, metric in DAILY.items()}
        for host, subject in last.items()
    }
    return found, usual_days


def _usual(
    medians: Medians, compared: tuple[Subject, str] | None, label: str, metric: str
) -> tuple[float | None, float | None, str | None]:
    """The quartiles that a window is compared with, and whose they are."""
    if compared is not None:
        subject, month = compared
        for of, whose in (("host", subject.host_ip), ("segment", subject.segment_id)):
            found = medians.get((month, of, whose, "outbound", subject.time_band, label, metric))
            if found is not None:
                return found[1], found[2], of
    return None, None, None
