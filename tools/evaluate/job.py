"""Reads labels and predictions, compares them, and writes the report."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common.detection.alerts.cases import group
from common.detection.alerts.lasting import read_alerting
from common.detection.alerts.terms import ALERT_SCORE
from common.display import in_csv
from common.errors import InputError
from common.features.spec import load_spec
from common.lake.lake import Lake
from common.runtime.lake_project import lake_identity, lake_project
from common.windows import WINDOW, Windows, floor_to_grid
from tools.evaluate.config import WINDOWS, EvaluateConfig
from tools.evaluate.labels.forms import read_form
from tools.evaluate.labels.labelled import Labelled, label_rows
from tools.evaluate.metrics import align, cases_of_attacks, clean_host_days, evaluate
from tools.evaluate.table import as_table

TARGET, TARGETS_ALONE = ":target", ":targets"
LABEL_COLUMNS = ["host_ip", "window_start", "attack"]
PREDICTION_COLUMNS = ["host_ip", "window_start", "anomaly_score"]
TIME = "%Y-%m-%dT%H:%M:%SZ"


def run(config: EvaluateConfig) -> tuple[dict[str, Any], str]:
    """The report and its table, also written to the configured files.

    The evaluation covers the label rows from the first to the last window with predictions, or those between `since`
    and `until`; windows without any prediction in between count as rows without a prediction. Labels of flows are about
    the windows in which there are flows, and name attacks: all other predictions there are clean.

    Raises:
        InputError: a file or the table is missing or empty, lacks columns or has invalid values, or labels and
            predictions do not overlap.
    """
    lake = _lake(config.lake_uri) if config.lake_uri else None
    written = read_labels(config.labels_paths[0]) if config.labels_form == WINDOWS else _labelled(config, lake)
    predictions = _lake_predictions(lake) if lake else read_predictions(Path(str(config.predictions_path)))
    held = _about(written, predictions) if isinstance(written, Labelled) else written
    labels = held[held["attack"] != TARGETS_ALONE]
    first = config.since or predictions["window_start"].min().to_pydatetime()
    end = config.until or (
        labels["window_start"].max() + timedelta(microseconds=1)
        if config.since
        else predictions["window_start"].max().to_pydatetime() + WINDOW
    )
    scored = _between(labels, first, end).reset_index(drop=True)
    given = _between(predictions, first, end)
    _require_overlap(config, labels, predictions, scored, given)
    aligned = align(scored, given)
    unseen = sorted(set(scored.loc[scored["attack"] != "", "host_ip"]) - set(predictions["host_ip"]))
    report: dict[str, Any] = {
        "since": _iso(scored["window_start"].min()),
        "until": _iso(scored["window_start"].max() + WINDOW),
        "windows": int(scored["window_start"].nunique()),
        "rows_without_prediction": aligned.without_prediction,
        "predictions_outside_the_rows": aligned.without_label,
        "label_rows_outside_the_period": len(labels) - len(scored),
        "rows_of_targets": len(written.spared) if isinstance(written, Labelled) else len(held) - len(labels),
        "attackers_without_predictions": unseen,
        "labels": asdict(written.counts) if isinstance(written, Labelled) else None,
        **evaluate(scored, aligned.scores, config.budget),
        "clean_host_days": clean_host_days(scored, aligned.scores),
    }
    if lake:
        windows = Windows(scored["window_start"].min().to_pydatetime(), scored["window_start"].max() + WINDOW)
        cases = group(read_alerting(lake, lake.spec, windows, ALERT_SCORE))
        for name, count in cases_of_attacks(scored, cases).items():
            report["attacks"][name]["cases"] = count
    if config.predictions_out:
        write_predictions(given, config.predictions_out)
    if config.figures_out:
        _write(config.figures_out, json.dumps(report, indent=1) + "\n")
    return report, as_table(report)


def _labelled(config: EvaluateConfig, lake: Lake | None) -> Labelled:
    """The labels of flows, intervals or events."""
    zone = config.labels_zone or (lake_project(lake.uri).settings.log_time_zone if lake else "UTC")
    return read_form(config.labels_form, config.labels_paths, zone)


def _about(labelled: Labelled, predictions: pd.DataFrame) -> pd.DataFrame:
    """A label row for each prediction that the labels are about, and for each attack."""
    if labelled.about:
        predictions = predictions[predictions["window_start"].between(*labelled.about)]
    return label_rows(labelled, predictions)


def read_labels(path: Path) -> pd.DataFrame:
    """The labels: host_ip, window_start (UTC) and attack (empty = clean); other columns are dropped.

    Of `SCAN+BEACON:target`, a host that scans and is the target of a beacon, what it began is left, and of a host that
    is a target alone `TARGETS_ALONE`.
    """
    table = _read_csv(path, LABEL_COLUMNS, "labels")
    table["attack"] = table["attack"].str.strip().map(_began)
    _reject(table["host_ip"].eq(""), path, "host_ip is empty")
    _reject(table.duplicated(["host_ip", "window_start"]), path, "host and window repeat an earlier line")
    return table


def read_predictions(path: Path) -> pd.DataFrame:
    """The predictions: host_ip, window_start (UTC) and anomaly_score; other columns are dropped."""
    table = _read_csv(path, PREDICTION_COLUMNS, "predictions")
    scores = pd.to_numeric(table["anomaly_score"], errors="coerce")
    _reject(
        ~scores.astype(float).abs().lt(np.inf), path, "anomaly_score is not a finite number", table["anomaly_score"]
    )
    return table.assign(anomaly_score=scores.astype(float))


def write_predictions(predictions: pd.DataFrame, path: Path) -> None:
    """Writes the predictions, sorted by window and host."""
    table = predictions.sort_values(["window_start", "host_ip", "anomaly_score"])
    table = table.assign(host_ip=table["host_ip"].map(in_csv), window_start=table["window_start"].dt.strftime(TIME))
    _write(path, table.to_csv(index=False, columns=PREDICTION_COLUMNS))


def _began(names: str) -> str:
    own = [name for name in names.split("+") if not name.endswith(TARGET)]
    return "+".join(own) if own else TARGETS_ALONE


def _lake(uri: str) -> Lake:
    return Lake.opened(uri, load_spec(lake_identity(uri).feature_spec_version))


def _lake_predictions(lake: Lake) -> pd.DataFrame:
    columns = ["host_ip", "window_start_ts", "anomaly_score"]
    table = lake.arrow("predictions", columns=columns).to_pandas()
    if table.empty:
        raise InputError(f"table predictions in {lake.uri} has no rows", "Run ndr-inference first")
    if table["anomaly_score"].isna().any():
        raise InputError(
            f"table predictions in {lake.uri} has rows without anomaly_score", "Rebuild it with ndr-inference"
        )
    starts = pd.to_datetime(table["window_start_ts"], utc=True).astype("datetime64[us, UTC]")
    found: pd.DataFrame = table.assign(window_start=starts)[PREDICTION_COLUMNS]
    return found


def _read_csv(path: Path, columns: list[str], what: str) -> pd.DataFrame:
    """The columns as text, and window_start as a UTC time on the grid."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{what} file {path} does not exist", "Check the path") from None
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(
            f"{what} file {path} cannot be read: {error}", f"Give a CSV with {', '.join(columns)}"
        ) from None
    if missing := [column for column in columns if column not in table.columns]:
        raise InputError(
            f"{what} file {path} lacks the columns {', '.join(missing)}", f"Give a CSV with {', '.join(columns)}"
        )
    if table.empty:
        raise InputError(f"{what} file {path} has no rows", f"Give a CSV with {', '.join(columns)}")
    starts = pd.to_datetime(table["window_start"], utc=True, errors="coerce", format="ISO8601").astype(
        "datetime64[us, UTC]"
    )
    written = table["window_start"]
    _reject(starts.isna(), path, "window_start is not an ISO 8601 time", written)
    moments = {start: floor_to_grid(start.to_pydatetime()) == start for start in starts.unique()}
    _reject(~starts.map(moments), path, "window_start is not at minute 08, 23, 38 or 53", written)
    return table[columns].assign(window_start=starts)


def _reject(bad: pd.Series[bool], path: Path, problem: str, written: pd.Series[str] | None = None) -> None:
    """Raises an InputError that names the first bad line, if any."""
    if bad.any():
        row = int(bad.to_numpy().argmax())
        value = f" ({written.iloc[row]!r})" if written is not None else ""
        raise InputError(f"{path} line {row + 2}: {problem}{value}", f"Lines to correct: {int(bad.sum())}")


def _between(table: pd.DataFrame, first: datetime, end: datetime) -> pd.DataFrame:
    return table[(table["window_start"] >= first) & (table["window_start"] < end)]


def _require_overlap(
    config: EvaluateConfig, labels: pd.DataFrame, predictions: pd.DataFrame, scored: pd.DataFrame, given: pd.DataFrame
) -> None:
    if len(scored) and len(given) and scored["window_start"].isin(given["window_start"]).any():
        return
    spans = [f"{_iso(t['window_start'].min())} to {_iso(t['window_start'].max())}" for t in (labels, predictions)]
    raise InputError(
        f"no window has both labels ({config.labels_paths[0]}: {spans[0]}) and predictions ({spans[1]})",
        "Score the labelled windows, or change --since and --until",
    )


def _iso(moment: datetime) -> str:
    return moment.strftime(TIME)


def _write(path: Path, content: str) -> None:
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror}", "Give a file in an existing, writable folder"
        ) from None
