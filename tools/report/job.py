"""Reads the scored range, finds the highest rows and their baselines, and prints them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from math import inf

import click
import pyarrow as pa
import pyarrow.compute as pc

from common.cases.customers import Customer, finder
from common.cases.evidence import Key, highest
from common.cases.reasons import Scored, reasons_of
from common.cases.users import users_of
from common.coded import compacted, encoded
from common.detection.alerts.cases import LOOKBACK, last_days, scored_windows
from common.detection.alerts.techniques import resembles
from common.detection.alerts.terms import ALERT_SCORE
from common.detection.explanation import parse_reasons
from common.display import on_terminal
from common.errors import InputError
from common.features.spec import FeatureSpec, load_spec
from common.lake.canary import canary_line
from common.lake.lake import Lake
from common.lake.learning import learning_at, nothing_scored
from common.runtime.lake_project import LakeProject, lake_project
from common.runtime.output import activity
from common.runtime.rows import FLAT, print_rows
from common.windows import WINDOW, Windows, partition_key
from tools.report.config import ReportConfig
from tools.report.rendering import Alert, table

KEY = ["host_ip", "window_end_ts"]
SCORE_COLUMNS = [*KEY, "anomaly_score", "raw_score"]
ALERT_COLUMNS = ["segment_id", "anomaly_score", "raw_score", "model_id", "window_start_ts", "incomplete_reason",
                 "score_note"]  # fmt: skip
TEXT_COLUMNS = ["top_features", "pair_evidence"]


def run(config: ReportConfig) -> None:
    """Prints the alerts of the windows on stdout."""
    project = lake_project(
        config.lake_uri, feature_spec_version=config.feature_spec_version, parameters=config.parameters_path
    )
    spec, horizon = load_spec(project.feature_spec_version), project.settings.model_horizon
    lake = Lake.opened(config.lake_uri, spec)
    customer_of = finder(project.settings.customer_ranges)
    scored = scored_windows(lake)
    if scored is None:
        raise nothing_scored(lake, project.settings)
    windows = config.windows or last_days(scored, config.days)
    if windows.end <= scored.start or scored.end <= windows.start:
        raise _unscored(lake, windows)
    if config.cases:
        from tools.report.cases import report_cases  # only who asks for cases waits for what explains them

        report_cases(lake, spec, horizon, windows, config, customer_of)
        return
    with activity("reading predictions"):
        scores = lake.arrow("predictions", SCORE_COLUMNS, windows, coded=["host_ip"])
    if not len(scores):
        raise _unscored(lake, windows)
    rows = scores.take(pa.array(highest(scores, config.top, config.one_per_host)))
    count, hosts = len(scores), len(compacted(encoded(scores["host_ip"])).dictionary)
    above = scores.select(KEY).filter(pc.greater_equal(scores["anomaly_score"], ALERT_SCORE))
    del scores
    pa.default_memory_pool().release_unused()  # what explains them takes memory of its own
    with activity("explaining alerts"):
        earlier = alerts_before(lake, windows, above, _keys(rows))
        alerts = _alerts(lake, spec, horizon, rows, earlier, customer_of)
    if config.form:
        flat = config.form in FLAT
        print_rows((alert.to_row() if flat else alert.to_dict() for alert in alerts), config.form)
    elif config.as_json:
        shown = [alert.to_dict() for alert in alerts]
        learning, canary = _standing(lake, project, windows)
        found = {"windows": str(windows), "rows": count, "hosts": hosts, "learning": learning or None, "alerts": shown}
        click.echo(json.dumps(found | {"canary": canary}, indent=1))
    else:
        learning, canary = _standing(lake, project, windows)
        click.echo(table(alerts, count, hosts, str(windows), learning))
        click.echo(f"\n{on_terminal(canary)}")


def _unscored(lake: Lake, windows: Windows) -> InputError:
    return InputError(f"predictions in {lake.uri} has no rows in {windows}", "Run ndr-inference for them first")


def _standing(lake: Lake, project: LakeProject, windows: Windows) -> tuple[str, str]:
    """How far the project has learnt by the last of the windows, and when attacks were last found."""
    learning = learning_at(lake, project.settings, windows.end - WINDOW)
    return learning, canary_line(lake.uri, datetime.now(UTC))


def _keys(rows: pa.Table) -> list[Key]:
    return list(zip(*(rows[name].to_pylist() for name in KEY), strict=True))


def alerts_before(lake: Lake, windows: Windows, above: pa.Table, keys: Sequence[Key]) -> dict[Key, int]:
    """How many windows of each key's host alerted in the week before it; `above` are the alerts of the windows."""
    hosts = {host for host, _ in keys}
    alerts = [key for key in _keys(above) if key[0] in hosts]
    first = min(end for _, end in keys) - LOOKBACK
    if first < windows.start:
        before, numbers = Windows(first, windows.start), {"anomaly_score": (ALERT_SCORE, inf)}
        alerts += _keys(lake.arrow("predictions", KEY, before, equal={"host_ip": hosts}, numbers=numbers))
    return {key: sum(host == key[0] and key[1] - LOOKBACK <= end < key[1] for host, end in alerts) for key in keys}


def _alerts(
    lake: Lake,
    spec: FeatureSpec,
    horizon: str,
    scores: pa.Table,
    earlier: Mapping[Key, int],
    customer_of: Callable[[str], Customer],
) -> list[Alert]:
    """The alerts of the predictions with those scores, in their order."""
    keys = _keys(scores)
    numbers = {"anomaly_score": tuple(pc.min_max(scores["anomaly_score"]).as_py().values())}
    sought = {"host_ip": {host for host, _ in keys}, "window": {partition_key(end - WINDOW) for _, end in keys}}
    found = lake.arrow("predictions", [*KEY, *ALERT_COLUMNS, *TEXT_COLUMNS], equal=sought, numbers=numbers)
    predictions = {(row["host_ip"], row["window_end_ts"]): row for row in found.to_pylist()}
    pairs = {key: json.loads(predictions[key]["pair_evidence"] or "[]") for key in keys}
    said = {key: parse_reasons(predictions[key]["top_features"]) for key in keys}
    scored = {key: Scored(predictions[key]["raw_score"], said[key], pairs[key]) for key in keys}
    reasons = reasons_of(lake, spec, horizon, scored)
    users = users_of(lake, keys)
    return [
        Alert(
            rank=rank,
            host_ip=key[0],
            window_end_ts=key[1],
            **{name: predictions[key][name] for name in ALERT_COLUMNS},
            technique=resembles(said[key], pairs[key], spec),
            peers=tuple(pairs[key]),
            alerts_before=earlier[key],
            user=users[key].user,
            users_cnt=users[key].count,
            reasons=reasons[key],
            customer=customer_of(key[0]),
        )
        for rank, key in enumerate(keys, start=1)
    ]
