"""All that the page shows, as JSON values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from common.cases.customers import finder
from common.cases.ends import firewall_filter, of_case
from common.cases.evidence import reason_words
from common.cases.inventory import read_inventory, strangers
from common.cases.met import in_order, met_in
from common.cases.sessions import FirstSessions, first_sessions
from common.cases.views import CaseView, case_views
from common.coded import compacted, encoded
from common.detection.alerts.allow_list import expired
from common.detection.alerts.below import find_with_below
from common.detection.alerts.cases import RECENT, Case, scored_windows
from common.detection.alerts.planned import read_rules
from common.detection.alerts.terms import NEW, UNUSUAL
from common.detection.alerts.triage import Change, read_changes, standing, triaged
from common.features.spec import FeatureSpec
from common.lake.lake import Lake
from common.lake.learning import learning_at
from common.runtime.lake_project import LakeProject
from common.runtime.output import progress
from common.windows import WINDOW, Windows, iso, iso_seconds
from tools.page.config import PageConfig
from tools.page.days import days
from tools.page.graph import graph, links
from tools.page.health import drift, health, verdicts, volume
from tools.page.machines import named_before
from tools.page.models import decisions, trained
from tools.page.segments import SEGMENTS_DRAWN, segments
from tools.page.series import activity, longer, packed, score_matrix

HOSTS_DRAWN = 60
BELOW = 20
"""So many candidates below the line are shown, with what they did: as many as a team looks at in a day."""
ROWS = 200
"""Rows of a list of findings besides cases."""
SESSION_COLUMNS = (
    "end_ts", "src_ip", "src_user", "dst_ip", "dst_port", "protocol", "app", "action", "session_end_reason", "rule",
    "src_zone", "dst_zone", "bytes_sent", "bytes_received", "duration_s", "repeat_count", "source_file", "source_line",
)  # fmt: skip
SCORE_COLUMNS = ["host_ip", "anomaly_score", "window_start_ts", "window", "model_id"]
STEPS = 5


def content(
    lake: Lake, spec: FeatureSpec, project: LakeProject, windows: Windows, config: PageConfig
) -> dict[str, Any]:
    """What the page shows of the windows; the same lake gives the same values."""
    done = _Steps()
    scores = lake.arrow("predictions", SCORE_COLUMNS, windows, coded=["host_ip", "window", "model_id"])
    hosts, matrix = score_matrix(scores, windows)
    done.step()
    scored = scored_windows(lake)
    changes = read_changes(lake)
    inventory, held = read_inventory(lake), read_rules(lake)
    month = Windows(min(windows.start, windows.end - RECENT), windows.end)
    recent, under = find_with_below(lake, spec, month, config.min_score)
    found = [case for case in recent if case.end > windows.start]
    below, _ = triaged([case for case in under if case.end > windows.start], changes, held)
    met = met_in(lake, windows, found)
    found = in_order(found, inventory, met)
    done.step()
    shown, hidden = triaged(found, changes, held)
    rules = {case.case_id: rule for case, rule in hidden}
    ordered = [*shown, *(case for case, _ in hidden)]
    near = below[:BELOW]
    horizon, customer_of = project.settings.model_horizon, finder(project.settings.customer_ranges)
    last = standing(changes)
    views = case_views(lake, spec, horizon, [*ordered, *near], last, rules, inventory, met, customer_of)
    listed = _cases(lake, views, changes, config, len(ordered), recent)
    met_in_cases = links(lake, [view.case for view in views], project.settings.internal_cidrs)
    for entry, view, passed in zip(listed, views, met_in_cases, strict=True):
        entry["graph"] = graph(view.case, passed)
    done.step()
    drawn = _drawn([*found, *near])
    of_cases = dict.fromkeys(case.segment_id for case in found)
    active, usual = activity(lake, spec, horizon, drawn, windows)
    series = {
        "activity": active,
        "usual_days": usual,
        "days": days(lake, drawn, windows.days()[-1]),
        "longer": longer(lake, drawn, windows, scored.start) if scored else None,
        "segments": segments(lake, [*of_cases][:SEGMENTS_DRAWN], windows),
    }
    done.step()
    keys, used = (set(compacted(encoded(scores[name])).dictionary.to_pylist()) for name in ("window", "model_id"))
    decided = decisions(lake)
    latest = {run for entry in decided[:1] for run in (entry["current_run"], entry["from_run"]) if run}
    about = {
        "project": project.name,
        "zone": project.settings.time_zone,
        "windows": str(windows),
        "starts": [iso(window.start) for window in windows],
        "last_scored": max(keys, default=None),
        "models": sorted(used),
        "rows": len(scores),
        "learning": learning_at(lake, project.settings, windows.end - WINDOW),
        "unusual_cnt": _unusual(lake, windows),
    }
    unknown, late = strangers(lake, inventory, windows), expired(held, windows.end)
    everything = {
        "about": about,
        "names": inventory.names(_shown(hosts, listed)),
        "named_before": named_before(lake, drawn),
        "cases": listed[: len(ordered)],
        "earlier": _earlier(recent, found, last, {*drawn}),
        "below": listed[len(ordered) :],
        "below_cnt": len(below),
        "volume": volume(recent),
        "budget": config.budget,
        "verdicts": verdicts(recent, changes),
        "hosts": hosts,
        "scores": packed(matrix),
        **series,
        "health": health(lake, windows, keys),
        "models": trained(lake, project.name, used | latest),
        "decisions": decided,
        "drift": drift(lake, windows),
        "met": [meeting.to_dict() for meeting in met.alone[:ROWS]],
        "met_cnt": len(met.alone),
        "strangers": unknown[:ROWS],
        "strangers_cnt": len(unknown),
        "expired": [{"name": entry.name, "owner": entry.owner, "expires": entry.expires} for entry in late],
    }
    done.step()
    return everything


def _unusual(lake: Lake, windows: Windows) -> int:
    """In how many of the windows scores were lowered because the whole network is unusual."""
    notes = lake.arrow("predictions", ["window", "score_note"], windows, coded=["window", "score_note"])
    said = pc.match_substring(notes["score_note"].cast(pa.string()), UNUSUAL)
    return len(pc.unique(notes.filter(said)["window"].cast(pa.string())))


class _Steps:
    """Says how far the page is."""

    def __init__(self) -> None:
        self._done = 0
        progress(0, STEPS, "steps")

    def step(self) -> None:
        """One more is done."""
        self._done += 1
        progress(self._done, STEPS, "steps")


def _drawn(cases: Sequence[Case]) -> list[str]:
    """The internal hosts that are drawn: sources first, then targets, of the most severe cases first."""
    sources = [case.peak_host for case in cases] + [source for case in cases for source in case.sources]
    targets = [target for case in cases for target in case.targets]
    return [*dict.fromkeys([*sources, *targets])][:HOSTS_DRAWN]


def _shown(hosts: Sequence[str], listed: Sequence[Mapping[str, Any]]) -> list[str]:
    """All addresses that the page shows: those with scores, and whom cases are about."""
    of_cases = {case[end] for each in listed for case in each["contacts"] for end in ("source", "target")}
    of_graphs = {
        host
        for case in listed
        if case["graph"]
        for node in (*case["graph"]["sources"], *case["graph"]["peers"])
        for host in node["hosts"]
    }
    return sorted({*hosts} | of_cases | of_graphs)


def _earlier(
    recent: Sequence[Case], found: Sequence[Case], last: Mapping[str, Change], drawn: Set[str]
) -> list[dict[str, Any]]:
    """The cases of the last 30 days that the page does not show, with those of their hosts that it draws."""
    here = {case.case_id for case in found}
    return [
        {
            "case_id": case.case_id,
            "source": case.source,
            "technique": case.technique.name,
            "segment_id": case.segment_id,
            "start": iso(case.start),
            "hosts": [host for host in (*case.sources, *case.targets) if host in drawn],
            "status": last[case.case_id].status if case.case_id in last else NEW,
        }
        for case in sorted(recent, key=lambda case: (case.start, case.case_id), reverse=True)
        if case.case_id not in here
    ]


def _cases(
    lake: Lake,
    views: Sequence[CaseView],
    changes: Sequence[Change],
    config: PageConfig,
    count: int,
    recent: Sequence[Case],
) -> list[dict[str, Any]]:
    """The cases in their order, with their history, those of 30 days that are related, and, if shown whole, sessions.

    So many (`count`) are cases, of which the first `top` are shown whole; what is below the line, after them, is not.
    """
    cases = [view.case for view in views]
    sessions = first_sessions(lake, cases[: min(config.top, count)], SESSION_COLUMNS, config.sessions)
    whole = [_sessions(found) for found in sessions] + [None] * (len(cases) - len(sessions))
    others = {case.case_id: case for case in (*cases, *recent)}.values()
    return [_case(view, changes, mine, others) for view, mine in zip(views, whole, strict=True)]


def _case(
    view: CaseView, changes: Sequence[Change], sessions: dict[str, Any] | None, others: Iterable[Case]
) -> dict[str, Any]:
    case = view.case
    return view.to_dict() | {
        "words": [reason_words(reason) for reason in view.reasons],
        "rule": view.rule
        and {"status": view.rule.status, "by": view.rule.changed_by, "note": view.rule.note}
        | {"until": view.rule.expires_ts and iso(view.rule.expires_ts)},
        "seen": view.change and view.change.change_id,
        "history": [
            {"changed": iso(change.changed_ts), "by": change.changed_by, "status": change.status, "note": change.note}
            for change in changes
            if change.case_id == case.case_id
        ],
        "related": [other.case_id for other in others if other.case_id != case.case_id and _are_related(case, other)],
        "filter": firewall_filter(of_case(case), case.start, case.end),
        "sessions": sessions,
    }


def _are_related(one: Case, other: Case) -> bool:
    """Whether a host or a main peer of one case is in the other."""
    return not {*one.sources, *one.targets, *one.main_peers}.isdisjoint(
        {*other.sources, *other.targets, *other.main_peers}
    )


def _sessions(found: FirstSessions) -> dict[str, Any]:
    """Sessions as rows of the named columns, and how many there are."""
    values = [[_plain(value) for value in row.values()] for row in found.rows.to_pylist()]
    return {"columns": list(SESSION_COLUMNS), "rows": values, "count": found.count}


def _plain(value: Any) -> Any:
    return iso_seconds(value) if hasattr(value, "isoformat") else value
