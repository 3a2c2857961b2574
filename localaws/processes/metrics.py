"""Metrics in logged lines: what CloudWatch makes of the embedded metric format, from the logs of processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MARK = b'"_aws"'
MOST_METRICS, MOST_DIMENSIONS = 100, 30


class MetricLog:
    """A log whose lines become metrics once they are whole; what is in it already does not."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = log.stat().st_size if log.exists() else 0

    def publish(self) -> None:
        """Makes metrics of the lines that were added. Lines that are none are no metrics, as in CloudWatch."""
        from ministack.services import cloudwatch  # which is there where the server is

        with self._log.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._read += len(line)
                if MARK in line:
                    for datum in metrics_of(line):
                        cloudwatch._store_datum(*datum, None, None, None)


def metrics_of(line: bytes) -> list[tuple[str, str, dict[str, str], float, str, float]]:
    """Namespace, name, dimensions, time, unit and value of each metric in a line; none if the line is not valid."""
    try:
        root = json.loads(line)
        about = root["_aws"]
        moment = float(about["Timestamp"]) / 1000
        return [
            (str(directive["Namespace"]), str(metric["Name"]), chosen, moment, str(metric.get("Unit", "None")), value)
            for directive in about["CloudWatchMetrics"]
            for metric in directive["Metrics"][:MOST_METRICS]
            for chosen in _dimensions(root, directive["Dimensions"])
            for value in _values(root[metric["Name"]])
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def _dimensions(root: dict[str, Any], sets: list[list[str]]) -> list[dict[str, str]]:
    return [{name: str(root[name]) for name in names[:MOST_DIMENSIONS]} for names in sets]


def _values(found: Any) -> list[float]:
    values = found if isinstance(found, list) else [found]
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
        raise TypeError("the value of a metric is no number")
    return [float(value) for value in values]
