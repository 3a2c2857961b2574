"""The option that tries a release on part of the executions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import click

_FORM = re.compile(r"(?P<percent>\d{1,2})%/(?P<number>\d{1,4})(?P<unit>[smh])")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True)
class Canary:
    """How many percent of the executions start the new versions, and for how many seconds the alarms are watched."""

    percent: int
    seconds: int


class CanaryType(click.ParamType[Canary]):
    """A percentage and a time, as `10%/5m`; seconds, minutes or hours."""

    name = "percent/time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Canary:
        """The canary; fails with a usage error that names the value."""
        if isinstance(value, Canary):
            return value
        found = _FORM.fullmatch(str(value))
        percent, number = (int(found["percent"]), int(found["number"])) if found else (0, 0)
        if found is None or not percent or not number:
            self.fail(f"{value!r} is none. Give 1 to 99 percent, and how long they are watched: 10%/5m", param, ctx)
        return Canary(percent, number * _SECONDS[found["unit"]])
