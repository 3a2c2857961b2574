"""Wide tables of features turned into rows: one per host, window, role, label and metric."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from common.features.spec import FeatureSpec

from .prepare import insert


def values(con: duckdb.DuckDBPyConnection, fg_a: pa.Table, spec: FeatureSpec) -> None:
    """Creates `fg_a_rows` (the FG-A rows as given) and `metric_values` (one row per value, null ones included)."""
    insert(con, "fg_a_rows", fg_a)
    con.execute(
        "CREATE TABLE metric_values (host_ip VARCHAR, segment_id VARCHAR, time_band VARCHAR,"
        " window_start_ts TIMESTAMPTZ, window_end_ts TIMESTAMPTZ, role VARCHAR, label VARCHAR,"
        " metric VARCHAR, x DOUBLE)"
    )
    names = ", ".join(f"'{metric}'" for metric in spec.metric_names)
    for label in spec.window_labels:
        for role, prefix in spec.roles.items():
            features = ", ".join(f"{prefix}{metric}_{label}" for metric in spec.metric_names)
            con.execute(
                f"""INSERT INTO metric_values
                SELECT host_ip, segment_id, time_band, window_start_ts, window_end_ts,
                       '{role}', '{label}', unnest([{names}]), unnest([{features}])
                FROM fg_a_rows"""
            )
