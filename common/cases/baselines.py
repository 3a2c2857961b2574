"""Usual values for the hosts of alerts, from the published baselines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from common.cases.evidence import Key, Medians, Subject
from common.cases.wording import FeatureName
from common.lake.lake import Lake
from common.lake.publications import publications
from common.windows import WINDOW, Windows

PARTS = ("median", "p25", "p75", "cold_start_flag")


def rows_of(
    lake: Lake,
    name: str,
    columns: Sequence[str],
    keys: Iterable[Key],
    **equal: str,
) -> dict[Key, dict[str, Any]]:
    """The rows of those hosts and windows, of the table's named columns; none where the table does not exist.

    `equal` says of other columns which rows are wanted.
    """
    wanted = set(keys)
    if not wanted or not lake.exists(name):
        return {}
    sought = {
        "host_ip": sorted({host for host, _ in wanted}),
        "window": sorted({Windows(end - WINDOW, end).key for _, end in wanted}),
    }
    rows = lake.few(name, ["host_ip", "window_end_ts", *columns], {**sought, **equal})
    found = {(row["host_ip"], row["window_end_ts"]): row for row in rows.to_pylist()}
    return {key: row for key, row in found.items() if key in wanted}


def subjects(lake: Lake, keys: Iterable[Key], horizon: str) -> dict[Key, tuple[Subject, str]]:
    """The subject whose baseline each row was compared with, and its month; rows without a baseline are left out."""
    columns = ["segment_id", "time_band", "baseline_month", "baseline_source"]
    found = rows_of(lake, "fg_c", columns, keys, baseline_horizon=horizon)
    return {
        key: (Subject(key[0], row["segment_id"], row["time_band"], row["baseline_source"]), row["baseline_month"])
        for key, row in found.items()
        if row["baseline_source"] != "none"
    }


def medians_of(
    lake: Lake, version: str, horizon: str, features: Sequence[FeatureName], found: Iterable[tuple[Subject, str]]
) -> Medians:
    """The baseline medians and quartiles of the features' metrics for those hosts and their segments.

    Keyed by (month, "host" or "segment", subject, role, time band, label, metric); statistics of cold baselines
    are left out.
    """
    pairs = list(found)
    if not features or not pairs:
        return {}
    published = publications(lake, version)
    metrics = sorted({feature.metric for feature in features})
    statistics = [f"{metric}_{part}" for metric in metrics for part in PARTS]
    strata = {
        "role": {feature.role for feature in features},
        "time_band": {subject.time_band for subject, _ in pairs},
        "window_label": {feature.label for feature in features},
    }
    hosts, segments = ({getattr(subject, name) for subject, _ in pairs} for name in ("host_ip", "segment_id"))
    medians: Medians = {}
    for month in sorted({month for _, month in pairs}):
        publication = published.get((horizon, month))
        for source, column, members in (("host", "host_ip", hosts), ("segment", "segment_id", segments)):
            name = f"fg_b/{source}"
            if publication is None or not lake.exists(name):
                continue
            sought = {**publication.partition, column: members, **strata}
            for row in lake.arrow(name, [column, *strata, *statistics], equal=sought).to_pylist():
                stratum = (month, source, row[column], *(row[part] for part in strata))
                for metric in metrics:
                    if row[f"{metric}_median"] is not None and not row[f"{metric}_cold_start_flag"]:
                        low, high = (row[f"{metric}_{part}"] for part in ("p25", "p75"))
                        medians[(*stratum, metric)] = (row[f"{metric}_median"], low, high)
    return medians
