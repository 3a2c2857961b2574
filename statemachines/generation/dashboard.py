"""The dashboard of the alarms: made of the template that has them, so that there is one list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from statemachines.deploy.functions import parsed

LINE = re.compile(r"^(      DashboardBody: ).*$", re.MULTILINE)
"""The line of the template that is generated."""
EACH = "Fn::ForEach::"
WIDTH, HEIGHT = 12, 6
"""Of a widget; a row is 24 wide."""
PAGE = "docs/operations.md#"


@dataclass(frozen=True)
class Alarm:
    """An alarm of the template: its name, the anchor of its paragraph, and its metric; with references in them."""

    name: str
    anchor: str
    metric: tuple[str, ...]
    statistic: str
    seconds: int


def with_dashboard(text: str) -> str:
    """The template with the dashboard of its alarms.

    Raises:
        ValueError: there is no line for the dashboard, or an alarm does not name its paragraph.
    """
    body = json.dumps({"widgets": widgets(list(alarms_of(parsed(text))))}, separators=(",", ":"))
    changed, count = LINE.subn(lambda match: f"{match[1]}!Sub '{body}'", text)
    if count != 1:
        raise ValueError("the template of the alarms has not exactly one line DashboardBody")
    return changed


def alarms_of(template: Mapping[str, Any]) -> Iterator[Alarm]:
    """The alarms of a template, in its order, those that it repeats for each of a list one by one."""
    for resource in _each(template["Resources"], {}):
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            given = resource["Properties"]
            name, description = _text(given["AlarmName"]), _text(given["AlarmDescription"])
            if PAGE not in description:
                raise ValueError(f"the alarm {name} does not name a paragraph of {PAGE}")
            dimensions = [part for one in given["Dimensions"] for part in (str(one["Name"]), _text(one["Value"]))]
            metric = (_text(given["Namespace"]), _text(given["MetricName"]), *dimensions)
            yield Alarm(name, description.partition(PAGE)[2], metric, given["Statistic"], int(given["Period"]))


def widgets(alarms: list[Alarm]) -> list[dict[str, Any]]:
    """Two widgets for each paragraph: how its alarms stand, and their metrics."""
    found: list[dict[str, Any]] = []
    for row, anchor in enumerate(dict.fromkeys(alarm.anchor for alarm in alarms)):
        own = [alarm for alarm in alarms if alarm.anchor == anchor]
        title = anchor.replace("-", " ").capitalize()
        arn = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:"
        stands = {"title": title, "alarms": [f"{arn}{alarm.name}" for alarm in own]}
        metrics = {
            "title": title,
            "region": "${AWS::Region}",
            "stat": own[0].statistic,
            "period": own[0].seconds,
            "metrics": [list(alarm.metric) for alarm in own],
        }
        place = {"width": WIDTH, "height": HEIGHT, "y": row * HEIGHT}
        found.append({"type": "alarm", "x": 0, **place, "properties": stands})
        found.append({"type": "metric", "x": WIDTH, **place, "properties": metrics})
    return found


def _each(resources: Mapping[str, Any], values: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for name, resource in resources.items():
        if name.startswith(EACH):
            variable, items, inner = resource
            for item in items:
                yield from _each(inner, {**values, variable: item})
        else:
            yield _filled(resource, values)


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    """The value with the variables of the loops around it."""
    if isinstance(value, dict):
        return {key: _filled(inner, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, values) for inner in value]
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\}", lambda match: values.get(match[1], match[0]), value)
    return value


def _text(value: Any) -> str:
    """A text, or that of `!Sub`."""
    return str(value["Fn::Sub"] if isinstance(value, dict) else value)
