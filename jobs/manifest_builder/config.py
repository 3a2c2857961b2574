"""Configuration of the builder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.errors import ParameterError
from jobs.manifest_builder.batching import Limits

ROUTES_REMEDY = 'Use the form {"fw/acme/": {"route": "ndr", "organisation": "acme/hq"}}'


@dataclass(frozen=True)
class Route:
    """Where files go whose keys begin with the prefix."""

    prefix: str
    route: str
    organisation: str


@dataclass(frozen=True)
class BuilderConfig:
    """The options of the builder; sizes are in MB of 2^20 bytes, and None means that they are not checked.

    Without `step_function_arn` manifests are not executed, without `quarantine_bucket` invalid files are not copied,
    without `alerts_topic_arn` no alerts are sent, without `landing_bucket` files of all buckets are taken, and without
    `tracking_days` nothing is forgotten.
    """

    table: str
    manifest_bucket: str
    landing_bucket: str | None = None
    quarantine_bucket: str | None = None
    step_function_arn: str | None = None
    alerts_topic_arn: str | None = None
    max_files_per_manifest: int = 200
    min_files_for_partial_batch: int = 1
    max_wait_minutes: float = 15
    expected_file_size_mb: float | None = None
    size_tolerance_percent: float = 10
    lock_seconds: int = 60
    tracking_days: int | None = None
    routes: tuple[Route, ...] = ()

    @property
    def limits(self) -> Limits:
        """How many files a manifest has."""
        wait = timedelta(minutes=self.max_wait_minutes)
        return Limits(self.max_files_per_manifest, self.min_files_for_partial_batch, wait)

    def expires_at(self, now: datetime) -> int | None:
        """When the table may forget what is done now, in seconds since 1970; None for never."""
        return None if self.tracking_days is None else int((now + timedelta(days=self.tracking_days)).timestamp())

    def route_of(self, object_key: str) -> Route | None:
        """The route with the longest prefix of the key, if there is one."""
        fitting = (route for route in self.routes if object_key.startswith(route.prefix))
        return max(fitting, key=lambda route: len(route.prefix), default=None)


def parse_routes(text: str) -> tuple[Route, ...]:
    """The routes that a JSON object has by prefix.

    Raises:
        ParameterError: the text is something else.
    """
    try:
        given = json.loads(text)
        routes = tuple(Route(prefix, **_fields(found)) for prefix, found in given.items())
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise ParameterError(f"routes {text!r} are invalid: {type(error).__name__}: {error}", ROUTES_REMEDY) from None
    return routes


def _fields(found: Mapping[str, object]) -> dict[str, str]:
    if set(found) != {"route", "organisation"} or not all(isinstance(one, str) and one for one in found.values()):
        raise ValueError(f"{dict(found)} has not the texts route and organisation alone")
    return {name: str(value) for name, value in found.items()}
