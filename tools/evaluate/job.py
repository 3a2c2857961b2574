"""Reads labels and predictions, compares them, and writes the report."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common.display import in_csv
from common.errors import InputError
from common.features.spec import load_spec
from common.lake.lake import Lake
from common.runtime.lake_project import lake_identity
from common.windows import WINDOW, floor_to_grid
from tools.evaluate.config import EvaluateConfig
from tools.evaluate.metrics import align, evaluate
from tools.evaluate.table import as_table

LABEL_COLUMNS = ["host_ip", "window_start", "attack"]
PREDICTION_COLUMNS = ["host_ip", "window_start", "anomaly_score"]
TIME = "%Y-%m-%dT%H:%M:%SZ"


def run(config: EvaluateConfig) -> tuple[dict[str, Any], str]:
    """The report and its table, also written to the configured files.

    The evaluation covers the label rows from the first to the last window with predictions, or those between `since`
    and `until`; windows without any prediction in between count as rows without a prediction.

    Raises:
        InputError: a file or the table is missing or empty, lacks columns or has invalid values, or labels and
            predictions do not overlap.
    """
    labels = read_labels(config.labels_path)
    predictions = (
        read_predictions(config.predictions_path)
        if config.predictions_path
        else _lake_predictions(config.lake_uri or "")
    )
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
    report: dict[str, Any] = {
        "since": _iso(scored["window_start"].min()),
        "until": _iso(scored["window_start"].max() + WINDOW),
        "windows": int(scored["window_start"].nunique()),
        "rows_without_prediction": aligned.without_prediction,
        "predictions_outside_the_rows": aligned.without_label,
        "label_rows_outside_the_period": len(labels) - len(scored),
        **evaluate(scored, aligned.scores, config.budget),
    }
    if config.predictions_out:
        write_predictions(given, config.predictions_out)
    if config.figures_out:
        _write(config.figures_out, json.dumps(report, indent=1) + "\n")
    return report, as_table(report)


def read_labels(path: Path) -> pd.DataFrame:
    """The labels: host_ip, window_start (UTC) and attack (empty = clean); other columns are dropped."""
    table = _read_csv(path, LABEL_COLUMNS, "labels")
    table["attack"] = table["attack"].str.strip()
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


def _lake_predictions(uri: str) -> pd.DataFrame:
    columns = ["host_ip", "window_start_ts", "anomaly_score"]
    spec = load_spec(lake_identity(uri).feature_spec_version)
    table = Lake.opened(uri, spec).arrow("predictions", columns=columns).to_pandas()
    if table.empty:
        raise InputError(f"table predictions in {uri} has no rows", "Run ndr-inference first")
    if table["anomaly_score"].isna().any():
        raise InputError(f"table predictions in {uri} has rows without anomaly_score", "Rebuild it with ndr-inference")
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
        f"no window has both labels ({config.labels_path}: {spans[0]}) and predictions ({spans[1]})",
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
