"""Writes, previews and lists what people make of cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from common.detection.alerts.below import recent_with_below
from common.detection.alerts.cases import Case, named_case
from common.detection.alerts.planned import read_rules
from common.detection.alerts.terms import REPEATED
from common.detection.alerts.triage import NAMES, Change, Wanted, change_of, hidden_by, read_changes, record, standing
from common.display import counted
from common.runtime.existing_lake import existing_lake
from common.runtime.output import activity, message
from common.runtime.rows import print_rows
from common.windows import iso
from tools.feedback.config import FeedbackConfig

SHOWN = 5
TIMES = ("changed_ts", "expires_ts")


def run(config: FeedbackConfig) -> None:
    """Writes, previews or lists changes of cases, and prints them as rows."""
    lake = existing_lake(config.lake_uri, config.feature_spec_version)
    changes = read_changes(lake)
    if not config.status:
        listed = [change for change in changes if change.case_id == config.case] if config.case else changes
        _print(listed if config.case else standing(listed).values(), config.form)
        return
    assert config.case
    with activity("finding the case"):
        cases = recent_with_below(lake, lake.spec, config.min_score)
    case = named_case(cases, config.case, lake.uri, config.min_score)
    seen = standing(changes).get(case.case_id)
    assert config.status
    wanted = Wanted(config.status, config.note, config.owner, config.by, config.scope, config.days)
    change = change_of(case, wanted, seen, datetime.now(UTC))
    hidden = hidden_by(change, cases, changes, read_rules(lake))
    if config.preview:
        print_rows(map(_row, hidden), config.form, list(_row(case)))
        return
    record(lake, change, seen)
    _print([change], config.form)
    if change.status in REPEATED:
        message(_words(hidden), "info")


def _words(hidden: Sequence[Case]) -> str:
    """What is hidden now, in a sentence."""
    if not hidden:
        return "hides none of the cases of the last 30 days"
    named = ", ".join(f"{case.case_id} ({case.source}, {case.technique.name})" for case in hidden[:SHOWN])
    more = f" and {len(hidden) - SHOWN:,} more" if len(hidden) > SHOWN else ""
    return f"hides {counted(len(hidden), 'case')} of the last 30 days: {named}{more}"


def _row(case: Case) -> Mapping[str, Any]:
    return {
        "case_id": case.case_id,
        "severity": case.severity,
        "source": case.source,
        "technique": case.technique.name,
        "start": iso(case.start),
        "end": iso(case.end),
    }


def _print(changes: Iterable[Change], form: str) -> None:
    def rows() -> Iterator[Mapping[str, Any]]:
        for change in changes:
            values = {name: getattr(change, name) for name in NAMES}
            values |= {name: iso(values[name]) if values[name] else None for name in TIMES}
            yield {"change_id": change.change_id} | values

    print_rows(rows(), form, ("change_id", *NAMES))
