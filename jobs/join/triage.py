"""How predictions that alert stand: their cases, and what people made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import pyarrow as pa

from common.contracts.triage import PUBLISHED_TRIAGE
from common.detection.alerts.cases import LOOKBACK, Case, find_cases, scored_windows
from common.detection.alerts.planned import read_rules
from common.detection.alerts.terms import NEW
from common.detection.alerts.triage import Change, Rule, read_changes, standing, triaged
from common.lake.lake import Lake
from common.windows import WINDOW, Windows, floor_to_grid


@dataclass(frozen=True)
class Triage:
    """How the alerts of some UTC dates stand, with the columns of `PUBLISHED_TRIAGE`, in order of window and host.

    `cases` counts their cases, and `hidden` those that triage hides.
    """

    project_name: str
    feature_spec_version: str
    dates: tuple[str, ...]
    rows: pa.Table
    cases: int
    hidden: int

    def counts(self) -> dict[str, int]:
        """What there is of it, for the run report."""
        return {"rows": len(self.rows), "cases": self.cases, "hidden": self.hidden}


def current_triage(lake: Lake, project_name: str, windows: Windows) -> Triage:
    """How the alerts stand now, of the dates of the windows and of the week before the last one that is scored.

    Raises:
        TableError: a table is unreadable.
    """
    scored = scored_windows(lake) or windows
    since = min(windows.start, scored.end - LOOKBACK)
    first = floor_to_grid(datetime.combine(since.date(), time(), UTC)) + WINDOW
    days = (scored.end - first) // timedelta(days=1) + 1
    dates = tuple(f"{first + timedelta(days=day):%Y-%m-%d}" for day in range(days))
    cases = find_cases(lake, lake.spec, Windows(first, scored.end))
    changes = read_changes(lake)
    last, (_, hidden) = standing(changes), triaged(cases, changes, read_rules(lake))
    rules = {case.case_id: rule for case, rule in hidden}
    rows = [
        {"project_name": project_name, "feature_spec_version": lake.spec.version, **row}
        for case in cases
        for row in _rows(case, last.get(case.case_id) or rules.get(case.case_id), case.case_id in rules)
        if row["date"] in dates
    ]
    table = pa.Table.from_pylist(rows, schema=PUBLISHED_TRIAGE.arrow)
    ordered = table.sort_by([("window", "ascending"), ("host_ip", "ascending")])
    return Triage(project_name, lake.spec.version, dates, ordered, len(cases), len(hidden))


def _rows(case: Case, rule: Rule | None, is_hidden: bool) -> Iterator[dict[str, object]]:
    """A row for each alert of the case, with what says how it stands."""
    for host, start in case.alerts:
        yield {
            "host_ip": host,
            "case_id": case.case_id,
            "status": rule.status if rule else NEW,
            "is_hidden": is_hidden,
            "change_id": rule.change_id if rule else None,
            "changed_by": rule.changed_by if rule else None,
            "changed_ts": rule.changed_ts if isinstance(rule, Change) else None,
            "window": Windows(start, start + WINDOW).key,
            "date": f"{start:%Y-%m-%d}",
        }
