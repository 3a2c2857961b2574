"""Cases: alerts that belong to one story, told from who began it."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from math import inf, log10
from typing import Any

from common.detection.alerts.alerting import TABLE, Alert
from common.detection.alerts.contacts import Contact, contacts_of, main_contacts, main_peers
from common.detection.alerts.lasting import PAUSE, read_alerting
from common.detection.alerts.techniques import FROM_TARGET, MANY_TARGETS, SCAN, SCANNED, Technique
from common.detection.alerts.terms import ALERT_SCORE
from common.detection.explanation import Reason
from common.errors import InputError
from common.features.spec import FeatureSpec
from common.lake.lake import Lake
from common.windows import WINDOW, Windows, iso

LOOKBACK = timedelta(days=7)
RECENT = timedelta(days=30)
CONTACTS_KEPT = 50
SEVERITIES = {"critical": 4.0, "high": 3.7, "medium": 3.3, "low": 0.0}
"""From how many decades on: 3 are one in a thousand windows of training, 4 one in ten thousand."""


@dataclass(frozen=True)
class Case:
    """Alerts of one story: what its sources did, and the hosts that they did it to.

    `case_id` follows from the first source and its first window, so that the same predictions always give the same one,
    and a case keeps it while it goes on. `sources` are the hosts that behave oddly, or the address outside that reached
    in; `targets` the hosts that alerted because of them. `score` and `raw_score` are the highest of all windows; the
    reasons are those of the highest window of a source, or without any of a target: `peak` of `peak_host`, with the raw
    score `peak_score` and the strongest pairs `peak_pairs`. `alerts` are the hosts and the starts of the windows that
    alerted. `is_below` is of what is put together as cases are, but did not alert.
    """

    case_id: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    segment_id: str
    technique: Technique
    techniques: tuple[str, ...]
    start: datetime
    end: datetime
    peak_host: str
    peak: datetime
    score: float
    raw_score: float
    peak_score: float
    peak_pairs: tuple[Mapping[str, Any], ...]
    windows: int
    contacts: tuple[Contact, ...]
    reasons: tuple[Reason, ...]
    alerts: tuple[tuple[str, datetime], ...] = ()
    earlier: int = 0
    is_below: bool = False

    @property
    def source(self) -> str:
        """The first of the sources."""
        return self.sources[0]

    @property
    def decades(self) -> float:
        """The score in decades: -log10(1 - score)."""
        return -log10(1.0 - self.score) if self.score < 1.0 else inf

    @property
    def severity(self) -> str:
        """The score in a word."""
        return next(word for word, least in SEVERITIES.items() if self.decades >= least)

    @property
    def is_scan(self) -> bool:
        """Whether it is about many targets, of which the contacts are a sample: those of each window that stand out."""
        return self.technique in (SCAN, SCANNED)

    @cached_property
    def main_peers(self) -> frozenset[str]:
        """Whom the case is mainly about, besides its sources."""
        return frozenset(main_peers(self.contacts, self.sources))


def find_cases(lake: Lake, spec: FeatureSpec, windows: Windows | None, min_score: float = ALERT_SCORE) -> list[Case]:
    """The cases with a window among these (all without), the most severe first; ties by start and source.

    As much before is read as is needed for a case to have its beginning, whatever the windows; `earlier` counts the
    cases of its sources that began in the week before.

    Raises:
        TableError: `predictions` is missing or unreadable.
    """
    return begun(lake, windows, lambda some: group(read_alerting(lake, spec, some, min_score)))


def begun(lake: Lake, windows: Windows | None, cases_of: Callable[[Windows], Iterable[Case]]) -> list[Case]:
    """The cases with a window among these (all without) of those that `cases_of` finds in windows; as `find_cases`.

    Raises:
        TableError: `predictions` is missing or unreadable.
    """
    scored = scored_windows(lake)
    asked = windows or scored
    if scored is None or asked is None or asked.end <= scored.start:
        return []
    begin = asked.start
    while True:
        begin = max(begin - LOOKBACK, scored.start)
        found = [case for case in cases_of(Windows(begin, asked.end)) if case.end > asked.start]
        if begin == scored.start or all(case.start - LOOKBACK >= begin for case in found):
            break
    return sorted(found, key=lambda case: (-case.score, -case.raw_score, case.start, case.source))


def recent_cases(lake: Lake, spec: FeatureSpec, min_score: float = ALERT_SCORE) -> list[Case]:
    """The cases of the last 30 scored days, the most severe first.

    Raises:
        TableError: `predictions` is unreadable.
    """
    return find_cases(lake, spec, recent_windows(lake), min_score)


def recent_windows(lake: Lake) -> Windows | None:
    """The last 30 scored days; None without any.

    Raises:
        TableError: `predictions` is unreadable.
    """
    scored = scored_windows(lake)
    return scored and Windows(max(scored.start, scored.end - RECENT), scored.end)


def named_case(cases: Iterable[Case], case_id: str, lake_uri: str, min_score: float) -> Case:
    """The case with the id.

    Raises:
        InputError: there is none.
    """
    case = next((case for case in cases if case.case_id == case_id), None)
    if case is None:
        raise InputError(
            f"predictions of the last 30 days in {lake_uri} have no case {case_id} with a score of {min_score} or more",
            "Copy the id from ndr-report --cases, and give the same --min-score",
        )
    return case


def scored_windows(lake: Lake) -> Windows | None:
    """From the first to the last window that has predictions; None without any.

    Raises:
        TableError: `predictions` is missing or unreadable.
    """
    return lake.window_bounds(TABLE)


def last_days(scored: Windows, days: float) -> Windows:
    """The last of the scored windows, as many as the days have."""
    count = max(1, round(days * timedelta(days=1) / WINDOW))
    return Windows(max(scored.start, scored.end - count * WINDOW), scored.end)


def group(alerts: Iterable[Alert], below: bool = False) -> list[Case]:
    """The cases of alerts in order of time, in the order in which they began; what is below has ids of its own."""
    runs = _joined([run for of_source in _by_source(alerts).values() for run in _without_pauses(of_source)])
    runs.sort(key=lambda run: (run[0].start, run[0].source))
    cases = [_case(run, below) for run in runs]
    return [replace(case, earlier=_earlier(case, cases)) for case in cases]


def _earlier(case: Case, cases: Iterable[Case]) -> int:
    """How many cases of its sources began in the week before it."""
    return sum(
        case.start - LOOKBACK <= other.start < case.start and not {*case.sources}.isdisjoint(other.sources)
        for other in cases
    )


def _by_source(alerts: Iterable[Alert]) -> dict[str, list[Alert]]:
    found: dict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        found[alert.source].append(alert)
    return found


def _without_pauses(alerts: Sequence[Alert]) -> Iterator[list[Alert]]:
    """The alerts of a source in runs without a long pause."""
    run: list[Alert] = []
    for alert in alerts:
        if run and alert.start - run[-1].end > PAUSE:
            yield run
            run = []
        run.append(alert)
    yield run


def _joined(runs: list[list[Alert]]) -> list[list[Alert]]:
    """The runs, those of several sources together that meet the same new address outside, which hardly others know.

    An address that many others know is a popular service: what hosts do there are different stories.
    """
    met: dict[str, list[int]] = defaultdict(list)
    others: Counter[str] = Counter()
    for number, run in enumerate(runs):
        source = run[0].source
        for contact in main_contacts(contacts_of(run), (source,)):
            if contact.kind == "outbound" and "peer" in contact.new and contact.source == source:
                if number not in met[contact.target]:
                    met[contact.target].append(number)
                others[contact.target] = max(others[contact.target], contact.others)
    leader = list(range(len(runs)))

    def lead(number: int) -> int:
        while leader[number] != number:
            number = leader[number]
        return number

    for peer, numbers in met.items():
        if others[peer] > len(numbers):
            continue
        for first, second in pairwise(numbers):
            if _apart(runs[first], runs[second]) <= PAUSE:
                one, other = sorted((lead(first), lead(second)))
                leader[other] = one
    together: dict[int, list[Alert]] = defaultdict(list)
    for number, run in enumerate(runs):
        together[lead(number)] += run
    return [sorted(run, key=lambda alert: (alert.start, alert.source, alert.host_ip)) for run in together.values()]


def _apart(one: Sequence[Alert], other: Sequence[Alert]) -> timedelta:
    """How long after the end of one run the other begins; negative if they overlap."""
    return max(one[0].start, other[0].start) - min(one[-1].end, other[-1].end)


def _case(run: Sequence[Alert], below: bool) -> Case:
    """The case of alerts in order of time."""
    sources = tuple(dict.fromkeys(alert.source for alert in run))
    own = [alert for alert in run if alert.host_ip in sources] or run
    peak = max(own, key=lambda alert: (alert.raw_score, -alert.start.timestamp()))
    targets = tuple(dict.fromkeys(alert.host_ip for alert in run if alert.host_ip not in sources))
    contacts = contacts_of(run)
    highest = max(run, key=lambda alert: alert.score)
    kind = "below" if below else ""
    return Case(
        case_id=hashlib.sha256(f"{kind}{sources[0]} {iso(run[0].start)}".encode()).hexdigest()[:12],
        sources=sources,
        targets=targets,
        segment_id=peak.segment_id,
        technique=_technique(peak, targets, contacts),
        techniques=tuple(dict.fromkeys(_told(alert).name for alert in own)),
        start=run[0].start,
        end=max(alert.end for alert in run),
        peak_host=peak.host_ip,
        peak=peak.start,
        score=highest.score,
        raw_score=max(alert.raw_score for alert in run),
        peak_score=peak.raw_score,
        peak_pairs=peak.pairs,
        windows=len({alert.start for alert in run}),
        contacts=tuple(contacts[:CONTACTS_KEPT]),
        reasons=peak.reasons,
        alerts=tuple((alert.host_ip, alert.start) for alert in run),
        is_below=below,
    )


def _technique(peak: Alert, targets: Sequence[str], contacts: Sequence[Contact]) -> Technique:
    """That of the highest window, told from the source; many targets that hardly answered have been scanned."""
    told = _told(peak)
    tried = {(contact.target, contact.port) for contact in contacts if contact.source == peak.source}
    if peak.host_ip != peak.source and len(targets) >= MANY_TARGETS and len(tried) >= MANY_TARGETS:
        return SCAN
    return told


def _told(alert: Alert) -> Technique:
    """What the source of the alert did."""
    return alert.technique if alert.source == alert.host_ip else FROM_TARGET.get(alert.technique, alert.technique)
