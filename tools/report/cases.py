"""The cases of the report: those that need a look, and those that triage hides."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

import click

from common.cases.amounts import in_one_unit
from common.cases.customers import Customer, customer_words
from common.cases.evidence import reason_words
from common.cases.inventory import read_inventory, strangers
from common.cases.met import in_order, met_in
from common.cases.views import CaseView, case_views
from common.cases.wording import contact_words, span
from common.detection.alerts.allow_list import expired
from common.detection.alerts.below import find_with_below
from common.detection.alerts.cases import Case
from common.detection.alerts.contacts import Contact
from common.detection.alerts.planned import read_rules
from common.detection.alerts.terms import NEW
from common.detection.alerts.triage import Change, Rule, read_changes, standing, triaged
from common.display import counted, on_terminal
from common.errors import one_line
from common.features.spec import FeatureSpec
from common.lake.canary import canary_line
from common.lake.lake import Lake
from common.runtime.output import activity
from common.runtime.rows import FLAT, print_rows
from common.windows import Windows
from tools.report.config import CaseFilter, ReportConfig
from tools.report.others import Others
from tools.report.rendering import INDENT

CONTACTS_SHOWN = 8
TARGETS_SHOWN = 5
MET_SHOWN = 3


def report_cases(
    lake: Lake,
    spec: FeatureSpec,
    horizon: str,
    windows: Windows,
    config: ReportConfig,
    customer_of: Callable[[str], Customer],
) -> None:
    """Prints the most severe cases, and those that triage hides; with a status, those that have it."""
    with activity("finding cases"):
        changes, held, inventory = read_changes(lake), read_rules(lake), read_inventory(lake)
        found, under = find_with_below(lake, spec, windows, config.min_score)
        met, unknown = met_in(lake, windows, found), strangers(lake, inventory, windows)
        found = in_order(found, inventory, met)
    last = standing(changes)
    shown, hidden = _wanted(found, config.only, changes, held, last)
    below, _ = _wanted(under, config.only, changes, held, last)
    rules = {case.case_id: rule for case, rule in hidden}
    with activity("explaining cases"):
        near_top = [] if config.form else below[: config.top]  # rows are alerts alone
        parts = (shown[: config.top], [case for case, _ in hidden], near_top)
        listed = [case for part in parts for case in part]
        views = iter(case_views(lake, spec, horizon, listed, last, rules, inventory, met, customer_of))
    top, away, near = (list(islice(views, len(part))) for part in parts)
    canary = canary_line(lake.uri, datetime.now(UTC))
    others = Others(met.alone, unknown, expired(held, windows.end))
    if config.form:
        rows = chain(top, away)
        print_rows((view.to_row() if config.form in FLAT else view.to_dict() for view in rows), config.form)
    elif config.as_json:
        whole: dict[str, Any] = {}
        for name, some, count in (
            ("cases", top, len(shown)),
            ("hidden", away, len(hidden)),
            ("below", near, len(below)),
        ):
            whole |= {name: [view.to_dict() for view in some], f"{name}_found": count}
        click.echo(json.dumps(whole | others.to_dict() | {"canary": canary}, indent=1))
    else:
        lines = chain(_lines(top, away, len(shown), windows), _below(near, len(below)), others.lines(), ["", canary])
        click.echo("\n".join(map(on_terminal, lines)))


def _wanted(
    cases: Sequence[Case],
    only: CaseFilter,
    changes: Sequence[Change],
    held: Sequence[Rule],
    last: Mapping[str, Change],
) -> tuple[list[Case], list[tuple[Case, Rule]]]:
    """Those of the cases that are asked for, and what triage hides of them; with a status, those that have it."""
    wanted = [case for case in cases if _is_wanted(case, only)]
    if only.status:
        return [case for case in wanted if _status(last.get(case.case_id)) == only.status], []
    return triaged(wanted, changes, held)


def _status(change: Change | None) -> str:
    return change.status if change else NEW


def _is_wanted(case: Case, only: CaseFilter) -> bool:
    """Whether the case has what is asked for."""
    hosts = {*case.sources, *case.targets}
    peers = {end for contact in case.contacts for end in (contact.source, contact.target)}
    return (
        (not only.host or only.host in hosts)
        and (not only.peer or only.peer in peers)
        and (not only.behaviour or only.behaviour in (case.technique.name, *case.techniques))
    )


def _lines(shown: Sequence[CaseView], hidden: Sequence[CaseView], found: int, windows: Windows) -> Iterator[str]:
    yield f"{counted(found, 'case')}, {len(hidden):,} hidden by triage ({windows}); the most severe first"
    yield ""
    for rank, view in enumerate(shown, start=1):
        yield from _case(rank, view)
    if hidden:
        yield ""
        yield "hidden by triage; scores are as they were:"
    for view in hidden:
        case, rule = view.case, view.rule
        assert rule
        until = f", until {rule.expires_ts:%Y-%m-%d}" if rule.expires_ts else ""
        said = f"{rule.status}{until}, by {one_line(rule.changed_by)}: {one_line(rule.note)}"
        yield f"{INDENT}{case.case_id}  {case.source}  {case.technique.name}  {span(case.start, case.end)}  {said}"


def _below(views: Sequence[CaseView], found: int) -> Iterator[str]:
    """What scores too little to alert: a line each."""
    if found:
        yield ""
        yield f"{counted(found, 'candidate')} just below the line, which did not alert; the highest first:"
    for view in views:
        case = view.case
        what = f"{case.decades:.2f}  {case.source}  {case.technique.name}  {span(case.start, case.end)} UTC"
        yield f"{INDENT}{case.case_id}  {what}  {one_line(view.sentence)}"
    if found > len(views):
        yield f"{INDENT}and {found - len(views):,} more; --top shows more"


def _case(rank: int, view: CaseView) -> Iterator[str]:
    case = view.case
    what = case.technique
    named = f"{what.name} ({what.attack_id} {what.attack_name})" if what.attack_id else what.name
    standing = "" if view.status == NEW else f"  {view.status}"
    owner = f"  {one_line(view.change.owner)}" if view.change and view.change.owner else ""
    yield (
        f"{rank:>4}  {case.case_id}  {case.severity} {case.decades:.1f}  {case.source}  {named}  "
        f"{span(case.start, case.end)} UTC{standing}{owner}"
    )
    before = f"{counted(case.earlier, 'case')} of it in the week before" if case.earlier else "its first case in a week"
    yield f"{INDENT}{counted(case.windows, 'window')}, the highest {case.peak:%Y-%m-%d %H:%M}; {before}"
    others = [name for name in case.techniques if name != what.name]
    if others:
        yield f"{INDENT}also resembles: {', '.join(others)}"
    if who := _who(view):
        yield f"{INDENT}{who}"
    if view.shared:
        yield f"{INDENT}{view.shared.words}"
    yield from (f"{INDENT}{words}" for words in customer_words(view.customer))
    if len(case.sources) > 1:
        yield f"{INDENT}together with {_some(case.sources[1:])}, which met the same new address"
    yield from (f"{INDENT}met an indicator: {meeting.words}" for meeting in view.met[:MET_SHOWN])
    if case.targets:
        yield f"{INDENT}{counted(len(case.targets), 'host')} alerted because of it: {_some(case.targets)}"
    amount_of = in_one_unit([contact.sent for contact in case.contacts[:CONTACTS_SHOWN]])
    for contact in _ordered(case)[:CONTACTS_SHOWN]:
        yield f"{INDENT}{contact_words(contact, case.sources, amount_of)}"
    if len(case.contacts) > CONTACTS_SHOWN:
        yield f"{INDENT}and {counted(len(case.contacts) - CONTACTS_SHOWN, 'more contact')}"
    yield from (f"{INDENT}{reason_words(reason)}" for reason in view.reasons)
    if view.change and view.change.note:
        when = f"{view.change.changed_ts.astimezone(UTC):%Y-%m-%d %H:%M}"
        yield f"{INDENT}{view.status} since {when} by {one_line(view.change.changed_by)}: {one_line(view.change.note)}"


def _ordered(case: Case) -> list[Contact]:
    """The contacts of the sources first."""
    return sorted(case.contacts, key=lambda contact: contact.source not in case.sources)


def _who(view: CaseView) -> str:
    """The name of the source, and who uses it."""
    parts = []
    if name := view.names.get(view.case.source):
        parts.append(f"machine {one_line(name)}")
    parts.append(f"segment {one_line(view.case.segment_id)}")
    machine = view.machine
    of = "" if machine.host_ip in ("", view.case.source) else f" ({machine.host_ip})"
    told = (("criticality", machine.criticality), ("role", machine.role), ("owner", machine.owner))
    parts += [f"{name} {one_line(value)}{of}" for name, value in told if value]
    if view.users.user:
        others = f" and {view.users.count - 1:,} more" if view.users.count > 1 else ""
        parts.append(f"used by {one_line(view.users.user)}{others}")
    return ", ".join(parts)


def _some(addresses: Sequence[str]) -> str:
    more = len(addresses) - TARGETS_SHOWN
    return ", ".join(addresses[:TARGETS_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
