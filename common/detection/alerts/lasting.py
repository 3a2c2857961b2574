"""Which windows alert: those of at least the line's score, and what lasts just below it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from common.detection.alerts.alerting import Alert, read_alerts
from common.features.spec import FeatureSpec
from common.lake.lake import Lake
from common.windows import Windows

PAUSE = timedelta(days=1)
"""After so long without an alert, what a source does is another case."""

LASTING = 4
"""So many windows just below the line, within a day and about the same, alert like one above it."""


def below_score(min_score: float) -> float:
    """From which score on a window is just below the line: of training, as many windows lie between as alert."""
    return 1.0 - 2.0 * (1.0 - min_score)


def read_alerting(lake: Lake, spec: FeatureSpec, windows: Windows | None, min_score: float) -> list[Alert]:
    """Those of the windows (all without) that alert, in order of window and host; nothing has lasted before them.

    Raises:
        TableError: `predictions` is missing or unreadable.
    """
    return list(alerting(read_alerts(lake, spec, windows, below_score(min_score)), min_score))


def alerting(scored: Iterable[Alert], min_score: float, enough: int = LASTING) -> Iterator[Alert]:
    """Of windows from `below_score` on, in order of time, those that alert: of at least `min_score`, and what lasts.

    A source that scores just below because of the same peer alerts once `enough` such windows lie within `PAUSE`.
    Within `PAUSE` after it has alerted because of that peer, this is what is left of it, and does not count. Later
    windows decide nothing, so that what alerts stays the same while windows come.
    """
    alerted: dict[tuple[str, str], datetime] = {}
    low: dict[tuple[str, str], set[datetime]] = defaultdict(set)
    for alert in scored:
        about = alert.source, alert.target
        if alert.score >= min_score:
            alerted[about] = alert.start
            yield alert
        elif about not in alerted or alert.start - alerted[about] > PAUSE:
            low[about] = {start for start in low[about] if alert.start - start <= PAUSE} | {alert.start}
            if len(low[about]) >= enough:
                yield alert
