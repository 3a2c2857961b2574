"""Below the line: what scores too little to alert and is part of no case, put together as cases are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from common.detection.alerts.alerting import Alert, is_inbound, read_alerts
from common.detection.alerts.cases import Case, begun, group, recent_windows
from common.detection.alerts.lasting import PAUSE, alerting, below_score
from common.detection.alerts.terms import ALERT_SCORE
from common.features.spec import FeatureSpec
from common.lake.lake import Lake
from common.windows import Windows


def find_with_below(
    lake: Lake, spec: FeatureSpec, windows: Windows | None, min_score: float = ALERT_SCORE
) -> tuple[list[Case], list[Case]]:
    """The cases as `find_cases` gives them, and in the same order what is just below the line and did not alert.

    Raises:
        TableError: `predictions` is missing or unreadable.
    """
    least = below_score(min_score)
    found = begun(lake, windows, lambda some: _with_below(read_alerts(lake, spec, some, least), min_score))
    return [case for case in found if not case.is_below], [case for case in found if case.is_below]


def recent_with_below(lake: Lake, spec: FeatureSpec, min_score: float = ALERT_SCORE) -> list[Case]:
    """The cases of the last 30 scored days, the most severe first, then what was below the line.

    Raises:
        TableError: `predictions` is unreadable.
    """
    cases, below = find_with_below(lake, spec, recent_windows(lake), min_score)
    return [*cases, *below]


def _with_below(scored: Sequence[Alert], min_score: float) -> list[Case]:
    """The cases of windows in order of time, and what those that do not alert make that are part of none."""
    alerts = list(alerting(scored, min_score))
    cases = group(alerts)
    seen = {(alert.host_ip, alert.start) for alert in alerts}
    rest = [alert for alert in scored if (alert.host_ip, alert.start) not in seen and not _is_of_any(alert, cases)]
    return [*cases, *(replace(story, earlier=0) for story in group(rest, below=True))]


def _is_of_any(alert: Alert, cases: Iterable[Case]) -> bool:
    return any(_is_of(alert, case) for case in cases)


def _is_of(alert: Alert, case: Case) -> bool:
    """Whether a window is a weaker part of a case: its source is, around that time, and so is whom it mainly met."""
    if alert.source not in case.sources or alert.start - case.end > PAUSE or case.start - alert.end > PAUSE:
        return False
    if case.is_scan or not alert.pairs or is_inbound(alert.pairs[0]):
        return True
    return any(contact.target == alert.target for contact in case.contacts)
