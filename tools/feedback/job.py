"""Writes, deletes and lists marks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta

from common.detection.alerts.incidents import find_incidents
from common.detection.alerts.suppression import Mark, feedback_store, mark_of, read_marks, remove_mark, write_mark
from common.errors import InputError
from common.features.spec import FeatureSpec, load_spec
from common.lake.lake import Lake
from common.lake.lake_format import known_record
from common.runtime.lake_project import lake_identity
from common.runtime.output import activity
from common.runtime.rows import print_rows
from tools.feedback.config import SuppressionConfig

TIME = "%Y-%m-%dT%H:%M:%SZ"


def run(config: SuppressionConfig) -> None:
    """Writes, deletes or lists marks, and prints them as rows."""
    identity = lake_identity(config.lake_uri, feature_spec_version=config.feature_spec_version)
    spec = load_spec(identity.feature_spec_version)
    lake = Lake.opened(config.lake_uri, spec)
    known_record(lake)
    store = feedback_store(lake.uri)
    if config.incident:
        mark = _mark(config, lake, spec, datetime.now(UTC))
        write_mark(store, mark)
        _print([mark], config.form)
    elif config.remove:
        removed = remove_mark(store, config.remove)
        if removed is None:
            raise InputError(
                f"mark {config.remove} does not exist in {store.uri}", "List the marks with ndr-feedback --lake alone"
            )
        _print([removed], config.form)
    else:
        _print(read_marks(store), config.form)


def _mark(config: SuppressionConfig, lake: Lake, spec: FeatureSpec, now: datetime) -> Mark:
    """The mark for the configured incident."""
    with activity("finding the incident"):
        incidents = find_incidents(lake, spec, None, config.min_score)
    found = [incident for incident in incidents if incident.incident_id == config.incident]
    if not found:
        raise InputError(
            f"predictions in {lake.uri} have no incident {config.incident} with a score of {config.min_score} or more",
            "Copy the id from ndr-report --incidents, and give the same --min-score",
        )
    return mark_of(
        found[0],
        config.verdict or "",
        config.reason.strip(),
        config.scope,
        config.any_peer,
        now.strftime(TIME),
        (now + timedelta(days=config.days)).strftime(TIME),
    )


def _print(marks: Iterable[Mark], form: str) -> None:
    names = ("mark_id", *(column.name for column in fields(Mark)))
    print_rows(({"mark_id": mark.mark_id} | asdict(mark) for mark in marks), form, names)
