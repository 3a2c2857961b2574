"""Project parameters: what differs between one customer's network and another's."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from common.errors import ParameterError
from common.spec import Horizon

DEFAULT_INTERNAL_CIDRS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")


@dataclass(frozen=True)
class ProjectParameters:
    """The settings of a project, with the defaults of a new one.

    Hours are of the local day in `time_zone`, half-open; weekend days are ISO weekdays (6 = Saturday). `segments`
    maps a prefix to a name; an address outside all of them belongs to its /24 (IPv4) or /64 (IPv6). `horizons`
    overrides those of the feature specification. `column_mapping` maps canonical column names to those of a
    Parquet file.
    """

    time_zone: str = "UTC"
    log_time_zone: str = "UTC"
    internal_cidrs: tuple[str, ...] = DEFAULT_INTERNAL_CIDRS
    segments: Mapping[str, str] = field(default_factory=dict)
    high_risk_segments: tuple[str, ...] = ()
    working_hours: tuple[int, int] = (7, 17)
    off_hours: tuple[int, int] = (17, 22)
    weekend_days: tuple[int, ...] = (6, 7)
    allowed_lateness_minutes: float = 15.0
    max_rejected_ratio: float = 0.05
    horizons: Mapping[str, Horizon] = field(default_factory=dict)
    model_horizon: str = "7d"
    non_persistent_prefixes: tuple[str, ...] = ("vdi-", "nph-")
    column_mapping: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (*self.internal_cidrs, *self.segments):
            _check(name, lambda value: ipaddress.ip_network(value), "internal_cidrs or segments", "an IP prefix")
        _check(self.time_zone, ZoneInfo, "time_zone", "an IANA time zone")
        for name in ("working_hours", "off_hours"):
            hours = getattr(self, name)
            if len(hours) != 2 or not 0 <= hours[0] <= hours[1] <= 24:
                raise ParameterError(f"project parameter {name} is {hours}", "Give two hours, 0 to 24, in order")
        if not 0 <= self.max_rejected_ratio <= 1:
            raise ParameterError(
                f"project parameter max_rejected_ratio is {self.max_rejected_ratio}", "Give a share from 0 to 1"
            )
        if self.allowed_lateness_minutes < 0:
            raise ParameterError(
                f"project parameter allowed_lateness_minutes is {self.allowed_lateness_minutes}", "Give 0 or more"
            )


def _check(value: Any, build: Any, name: str, wanted: str) -> None:
    try:
        build(value)
    except (ValueError, ZoneInfoNotFoundError, OSError):
        raise ParameterError(f"project parameter {name} has {value!r}", f"Give {wanted}") from None


def load_project(path: str | None, **overrides: Any) -> ProjectParameters:
    """The project parameters of a YAML file, or the defaults without one; overrides that are not None win.

    Raises:
        ParameterError: the file is missing or not a mapping, or a parameter is unknown or wrong.
    """
    raw = dict(_read(path)) if path else {}
    known = {entry.name: entry for entry in fields(ProjectParameters)}
    if unknown := sorted(set(raw) - set(known)):
        raise ParameterError(
            f"{path} has unknown project parameters: {', '.join(unknown)}", f"Known ones: {', '.join(sorted(known))}"
        )
    if isinstance(raw.get("horizons"), dict):
        raw["horizons"] = {name: _horizon(name, entry) for name, entry in raw["horizons"].items()}
    for name, value in raw.items():
        default = getattr(ProjectParameters(), name)
        if isinstance(value, list) and isinstance(default, tuple):
            raw[name] = tuple(value)
        elif isinstance(value, int) and isinstance(default, float):
            raw[name] = float(value)
        elif isinstance(default, Mapping) != isinstance(value, Mapping) or not isinstance(
            value, Mapping | type(default)
        ):
            raise ParameterError(f"{path}: project parameter {name} is {value!r}", f"Give a value like {default!r}")
    given = {name: value for name, value in overrides.items() if value is not None}
    return replace(ProjectParameters(**raw), **given)


def _horizon(name: str, entry: Any) -> Horizon:
    try:
        horizon = Horizon(**entry)
    except TypeError:
        raise ParameterError(f"project parameter horizons.{name} is {entry!r}", "Give days and gap_days") from None
    if not (horizon.days > 0 and horizon.gap_days >= 0):
        raise ParameterError(f"project parameter horizons.{name} is {entry!r}", "Give days > 0 and gap_days >= 0")
    return horizon


@cache
def _read(path: str) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ParameterError(f"project parameters {path} cannot be read: {error.strerror}", "Check the path") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParameterError(f"project parameters {path} are not YAML: {error}", "Correct the file") from None
    if not isinstance(raw or {}, dict):
        raise ParameterError(f"project parameters {path} are not a mapping", "Write one `name: value` a line")
    return raw or {}
