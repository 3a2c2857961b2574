"""Imports, lists and changes indicators, and says who met them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from common.address_sets import AddressSet
from common.cases.contact_days import contact_days
from common.cases.indicators import ACTIVE, EXPIRED, REMOVED, TABLE, Indicators, Meeting, read_indicators, standing
from common.contracts.triage import INDICATORS
from common.display import counted
from common.errors import InputError
from common.features.spec import load_spec
from common.lake.lake import Lake
from common.lake.lake_format import known_record
from common.runtime.lake_project import LakeProject, lake_project
from common.runtime.output import activity, message
from common.runtime.rows import print_rows
from common.windows import iso
from tools.indicators.changes import mark, rows_of, take
from tools.indicators.config import Choice, ImportConfig, MarkConfig, Place
from tools.indicators.entries import Entry, Found
from tools.indicators.reading import read_file

WRONG_SHOWN = 20
MEETING = ("host_ip", "role", "peer_ip", "peer_port", "first", "last", "sessions", "sources", "indicators")
LISTED = (
    "indicator_id", "source", "value", "port", "labels", "confidence", "reference", "valid_from", "valid_until",
    "status", "changed_ts", "changed_by", "file", "note",
)  # fmt: skip
TIMES = ("valid_from", "valid_until", "changed_ts")


def take_files(config: ImportConfig) -> None:
    """Imports the files in one commit, and prints who met what is new in them."""
    lake, project = _opened(config.place)
    own = project.settings.internal_cidrs
    with activity("reading files"):
        found = [read_file(file, config.source, own) for file in config.files]
    for one in found:
        _say_wrong(one)
    entries: list[tuple[str, Entry]] = [(one.file, entry) for one in found for entry in one.entries]
    if not entries and any(one.wrong for one in found):
        raise InputError("nothing was imported: no line is right", "Correct the files")
    now = datetime.now(UTC)
    with activity("comparing with the lake"):
        rows = rows_of(entries, config.by, now)
        done = take(lake, rows, restore=config.restore, whole=config.whole, now=now, by=config.by)
    changed = len(done.rows) - done.new
    left = f", {done.left:,} left as somebody has changed them" if done.left else ""
    message(f"{done.new:,} new, {changed:,} changed, {done.known:,} known already{left}", "info")
    _print_meetings(lake, Indicators(done.rows), config.days, config.place.form)


def _say_wrong(found: Found) -> None:
    for line in found.wrong[:WRONG_SHOWN]:
        message(f"left out: {line}", "warning")
    if len(found.wrong) > WRONG_SHOWN:
        message(f"left out: {len(found.wrong) - WRONG_SHOWN:,} more of {found.file}", "warning")
    unusable = f"; no session can meet {found.others}" if found.unusable else ""
    message(f"{found.file}: {counted(len(found.entries), 'indicator')}{unusable}", "info")


def show_meetings(place: Place, choice: Choice, days: int | None) -> None:
    """Prints who met the chosen indicators."""
    lake, _ = _opened(place)
    _print_meetings(lake, Indicators(_chosen(read_indicators(lake).rows, choice)), days, place.form)


def _print_meetings(lake: Lake, indicators: Indicators, days: int | None, form: str) -> None:
    if not len(indicators):
        print_rows((), form, MEETING)
        message("there is no indicator to look for", "info")
        return
    with activity("looking back"):
        met = indicators.met(contact_days(lake, days))
    print_rows(map(_meeting, met), form, MEETING)
    hosts = {one.host_ip for one in met}
    message(f"{counted(len(hosts), 'host')} met an indicator" if met else "nobody met any of them", "info")


def _meeting(meeting: Meeting) -> Mapping[str, Any]:
    sources = dict.fromkeys(one.source for one in meeting.indicators)
    return meeting.to_dict() | {"sources": ", ".join(sources), "indicators": meeting.words}


def show(place: Place, choice: Choice, *, every: bool, history: bool) -> None:
    """Prints the chosen indicators as they stand: those that are active, or all; or all their changes."""
    lake, _ = _opened(place)
    rows = lake.arrow(TABLE) if lake.exists(TABLE) else INDICATORS.arrow.empty_table()
    stand = _chosen(standing(rows), choice)
    if history:
        stand = rows.filter(pc.is_in(rows["indicator_id"], stand["indicator_id"].combine_chunks()))
    elif not every:
        stand = stand.filter(pc.equal(stand["status"], ACTIVE))
    order = [("source", "ascending"), ("value", "ascending"), ("port", "ascending"), ("changed_ts", "ascending")]
    print_rows(_listed(stand.sort_by(order)), place.form, LISTED)


def change(config: MarkConfig) -> None:
    """Ends or removes the chosen indicators, and prints them."""
    lake, _ = _opened(config.place)
    now = datetime.now(UTC)
    values = {"status": REMOVED} if config.until is None else {"status": EXPIRED, "valid_until": config.until}

    def chosen(held: pa.Table) -> pa.Table:
        found = _chosen(held, config.choice)
        return found.filter(pc.not_equal(found["status"], REMOVED))

    rows = mark(lake, chosen, values | {"note": config.note}, now, config.by)
    if not len(rows):
        raise InputError(
            f"no indicator in {lake.uri} is chosen by these options", "ndr-indicators list --all shows what there is"
        )
    print_rows(_listed(rows), config.place.form, LISTED)


def _listed(rows: pa.Table) -> Iterator[Mapping[str, Any]]:
    for row in rows.to_pylist():
        times = {name: iso(row[name]) if row[name] else None for name in TIMES}
        yield row | times | {"labels": json.loads(row["labels"])}


def _chosen(rows: pa.Table, choice: Choice) -> pa.Table:
    if choice.source is not None:
        rows = rows.filter(pc.equal(rows["source"], choice.source))
    if choice.ids:
        rows = rows.filter(pc.is_in(rows["indicator_id"], pa.array(choice.ids)))
    if choice.address is not None and len(rows):
        _, places = AddressSet(rows["value"].combine_chunks()).holding(pa.array([choice.address]))
        rows = rows.take(pa.array(places))
    return rows


def _opened(place: Place) -> tuple[Lake, LakeProject]:
    project = lake_project(place.lake_uri, feature_spec_version=place.feature_spec_version, parameters=None)
    lake = Lake.opened(place.lake_uri, load_spec(project.feature_spec_version))
    known_record(lake)
    return lake, project
