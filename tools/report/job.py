"""Reads the scored range, finds the highest rows and their baselines, and prints them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import click
import pyarrow as pa
import pyarrow.compute as pc

from common.detection.alerts.incidents import LOOKBACK
from common.detection.alerts.techniques import resembles
from common.detection.alerts.terms import ALERT_SCORE
from common.detection.explanation import Reason, parse_reasons
from common.detection.inputs import fg_a_feature
from common.errors import InputError
from common.features.spec import FeatureSpec, load_spec
from common.lake.lake import Lake
from common.lake.learning import day_of_project
from common.runtime.lake_project import lake_project
from common.runtime.output import activity
from common.runtime.rows import FLAT, print_rows
from common.windows import Windows
from tools.report.baselines import medians_of, rows_of, subjects
from tools.report.config import ReportConfig
from tools.report.customers import Customer, finder
from tools.report.incidents import report_incidents
from tools.report.rendering import Alert, table
from tools.report.transform import Key, evidence, highest, strongest
from tools.report.users import users_of
from tools.report.wording import feature_names

REASONS_SHOWN = 5
SHARE_SHOWN = 0.01
SCORE_COLUMNS = ["host_ip", "anomaly_score", "raw_score", "window_end_ts"]
ALERT_COLUMNS = ["segment_id", "anomaly_score", "raw_score", "model_id", "window_start_ts", "incomplete_reason"]
TEXT_COLUMNS = ["top_features", "pair_evidence"]


def run(config: ReportConfig) -> None:
    """Prints the alerts of the windows on stdout."""
    project = lake_project(
        config.lake_uri, feature_spec_version=config.feature_spec_version, parameters=config.parameters_path
    )
    spec, horizon = load_spec(project.feature_spec_version), project.settings.model_horizon
    lake = Lake.opened(config.lake_uri, spec)
    customer_of = finder(project.settings.customer_ranges)
    if config.incidents:
        report_incidents(lake, spec, config, customer_of)
        return
    if not lake.exists("predictions"):
        raise InputError(
            f"nothing is scored yet in {lake.uri}: {day_of_project(lake, project.settings)} of learning",
            "Make baselines with ndr-fg-b and a model with ndr-if-training, then run ndr-inference",
        )
    with activity("reading predictions"):
        scores = lake.arrow("predictions", SCORE_COLUMNS, config.windows)
    span = str(config.windows) if config.windows else "all windows"
    if not len(scores):
        raise InputError(f"predictions in {lake.uri} has no rows in {span}", "Run ndr-inference for them first")
    rows = scores.take(pa.array(highest(scores, config.top, config.one_per_host)))
    keys = list(zip(rows["host_ip"].to_pylist(), rows["window_end_ts"].to_pylist(), strict=True))
    with activity("explaining alerts"):
        alerts = _alerts(lake, spec, horizon, keys, customer_of)
    hosts = pc.count_distinct(scores["host_ip"]).as_py()
    if config.form:
        flat = config.form in FLAT
        print_rows((alert.to_row() if flat else alert.to_dict() for alert in alerts), config.form)
    elif config.as_json:
        shown = [alert.to_dict() for alert in alerts]
        click.echo(json.dumps({"windows": span, "rows": len(scores), "hosts": hosts, "alerts": shown}, indent=1))
    else:
        click.echo(table(alerts, len(scores), hosts, span))


def alerts_before(lake: Lake, keys: Sequence[Key]) -> dict[Key, int]:
    """How many windows of each key's host alerted in the week before it."""
    found = dict.fromkeys(keys, 0)
    if keys:
        ends = [end for _, end in keys]
        table = lake.arrow(
            "predictions", ["host_ip", "anomaly_score", "window_end_ts"], Windows(min(ends) - LOOKBACK, max(ends))
        )
        alerts = table.filter(pc.greater_equal(table["anomaly_score"], ALERT_SCORE)).to_pylist()
        for key in keys:
            first = key[1] - LOOKBACK
            found[key] = sum(row["host_ip"] == key[0] and first <= row["window_end_ts"] < key[1] for row in alerts)
    return found


def _shown(prediction: dict[str, Any], spec: FeatureSpec) -> list[tuple[Reason, float]]:
    """The strongest feature families of a prediction that make up at least one percent of its score."""
    found = strongest(parse_reasons(prediction["top_features"]), spec)
    return [(reason, added) for reason, added in found if added >= SHARE_SHOWN * prediction["raw_score"]][
        :REASONS_SHOWN
    ]


def _alerts(
    lake: Lake, spec: FeatureSpec, horizon: str, keys: Sequence[Key], customer_of: Callable[[str], Customer]
) -> list[Alert]:
    """The alerts of those predictions, in their order."""
    predictions = rows_of(lake, "predictions", [*ALERT_COLUMNS, *TEXT_COLUMNS], keys)
    reasons = {key: _shown(predictions[key], spec) for key in keys}
    pairs = {key: json.loads(predictions[key]["pair_evidence"] or "[]") for key in keys}
    names = feature_names(spec)
    wanted = sorted({fg_a_feature(reason.feature) for found in reasons.values() for reason, _ in found} & names.keys())
    values = rows_of(lake, "fg_a", wanted, keys)
    compared = subjects(lake, keys, horizon)
    metrics = sorted({names[name].metric for name in wanted})
    earlier = alerts_before(lake, keys)
    users = users_of(lake, keys)
    medians = medians_of(lake, spec.version, horizon, metrics, compared.values())
    return [
        Alert(
            rank=rank,
            host_ip=key[0],
            window_end_ts=key[1],
            **{name: predictions[key][name] for name in ALERT_COLUMNS},
            technique=resembles(parse_reasons(predictions[key]["top_features"]), pairs[key], spec),
            peers=tuple(pairs[key]),
            alerts_before=earlier[key],
            user=users[key].user,
            users_cnt=users[key].count,
            reasons=tuple(
                evidence(
                    reason, added, predictions[key]["raw_score"], names, values.get(key, {}), medians, compared.get(key)
                )
                for reason, added in reasons[key]
            ),
            customer=customer_of(key[0]),
        )
        for rank, key in enumerate(keys, start=1)
    ]
