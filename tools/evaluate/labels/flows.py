"""Flows with labels, as CTU-13, UNSW-NB15, CIC-IDS2017 and Unraveled ship them.

A flow counts in the window in which it ends, as a session does. Whoever began a flow of an attack attacked; its other
end is a target.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common.arrays import Floats
from common.errors import InputError
from common.logs.formats.unsw import COLUMNS as UNSW_COLUMNS
from tools.evaluate.labels.labelled import Collected, Labelled
from tools.evaluate.labels.reading import Columns, Layout, files_of, read_columns
from tools.evaluate.labels.zones import zone_of

CLEAN, UNKNOWN = "", "?"
MERIDIEM_HOUR = 7
"""CIC-IDS2017 has hours of a clock with twelve: those up to seven are in the afternoon, since work began at eight."""
EXAMPLES = 5


@dataclass(frozen=True)
class FlowFormat:
    """A kind of file of flows.

    Attributes:
        layout: its columns.
        source: the column of the address that began the flow.
        target: the column of the other address.
        label: the column of the label.
        ends: when each flow ended, in seconds since 1970; NaN where no time is written. Local times are of the zone.
        attacks: the name of the attack of each flow; `CLEAN`, or `UNKNOWN` for a label of no known kind.
        zone: the zone of its local times, where the data set has one.
    """

    layout: Layout
    source: str
    target: str
    label: str
    ends: Callable[[Columns, tzinfo], Floats]
    attacks: Callable[[Columns], pd.Series[str]]
    zone: str | None = None


def read_flows(form: FlowFormat, paths: Sequence[Path], zone: str) -> Labelled:
    """Who began flows of attacks, and whom they were to.

    Raises:
        InputError: a file cannot be read, lacks columns, or has no flow with a time and a known label.
    """
    found, strange = Collected(), dict[str, int]()
    for path in files_of(paths):
        for columns in read_columns(path, form.layout, found.counts):
            _add(form, columns, zone_of(form.zone or zone), found, strange)
    counts = found.counts
    if counts.rows and counts.rows == counts.other.get("without a time", 0) + sum(strange.values()):
        raise InputError(
            f"none of the {counts.rows:,} flows has a time and a known label: {_examples(strange) or 'no time'}",
            "Check --labels-format",
        )
    for label, count in sorted(strange.items(), key=lambda entry: (-entry[1], entry[0]))[:EXAMPLES]:
        counts.add(f"unknown label {label!r}", count)
    counts.add("further unknown labels", sum(sorted(strange.values(), reverse=True)[EXAMPLES:]))
    return found.labelled()


def _add(form: FlowFormat, columns: Columns, zone: tzinfo, found: Collected, strange: dict[str, int]) -> None:
    ends, names = form.ends(columns, zone), form.attacks(columns)
    sources, targets = (columns[name].to_pandas() for name in (form.source, form.target))
    timed = np.isfinite(ends)
    found.counts.add("without a time", int((~timed).sum()))
    unknown, attacks = timed & names.eq(UNKNOWN).to_numpy(), timed & ~names.isin((CLEAN, UNKNOWN)).to_numpy()
    for label, count in columns[form.label].to_pandas()[unknown].value_counts().items():
        strange[str(label)] = strange.get(str(label), 0) + int(count)
    found.saw(ends[timed])
    found.attack(sources[attacks], ends[attacks], names[attacks])
    found.spare(targets[attacks], ends[attacks])
    found.spare(sources[unknown], ends[unknown])


def _examples(strange: dict[str, int]) -> str:
    return ", ".join(repr(label) for label in list(strange)[:EXAMPLES])


def _text(columns: Columns, name: str) -> pd.Series[str]:
    texts: pd.Series[str] = columns[name].to_pandas().astype(str)
    return texts


def _number(columns: Columns, name: str) -> Floats:
    return np.asarray(pd.to_numeric(_text(columns, name), errors="coerce"), dtype=np.float64)


def _local(moments: pd.Series[Any], zone: tzinfo) -> Floats:
    """Wall-clock times as seconds since 1970, NaN for none; an hour that comes twice is the later one."""
    late = np.zeros(len(moments), dtype=bool)
    utc = moments.dt.tz_localize(zone, ambiguous=late, nonexistent="shift_forward").dt.tz_convert("UTC")
    seconds = utc.astype("datetime64[us, UTC]").astype(np.int64).to_numpy() / 1e6
    return np.where(moments.isna(), np.nan, seconds)


def _ctu_ends(columns: Columns, zone: tzinfo) -> Floats:
    starts = pd.to_datetime(_text(columns, "starttime"), format="%Y/%m/%d %H:%M:%S.%f", errors="coerce")
    return _local(starts, zone) + np.nan_to_num(_number(columns, "dur"))


def _ctu_attacks(columns: Columns) -> pd.Series[str]:
    """`flow=From-Botnet-V42-...` is the bot's; what others send to it is none of theirs, nor is `Background` proven."""
    label = _text(columns, "label").str.lower()
    known = label.str.contains("background|normal|botnet|legitimate|backgrund", regex=True)
    return pd.Series(
        np.select([label.str.contains("from-botnet"), known], ["botnet", CLEAN], UNKNOWN), label.index, dtype=str
    )


def _unsw_ends(columns: Columns, zone: tzinfo) -> Floats:
    return _number(columns, "stime") + np.nan_to_num(_number(columns, "dur"))


def _unsw_attacks(columns: Columns) -> pd.Series[str]:
    label = _text(columns, "label")
    name = _text(columns, "attack_cat").replace({"": "attack", "Backdoors": "Backdoor"})
    return name.where(label.eq("1"), UNKNOWN).where(label.ne("0"), CLEAN)


def _cic_ends(columns: Columns, zone: tzinfo) -> Floats:
    """Days come before months; seconds are there in some files alone. Durations are in microseconds."""
    text = _text(columns, "timestamp")
    halves = [pd.to_datetime(text, format=form, errors="coerce") for form in ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M")]
    starts = halves[0].fillna(halves[1])
    starts = starts + pd.to_timedelta(np.where(starts.dt.hour <= MERIDIEM_HOUR, 12, 0), unit="h")
    return _local(starts, zone) + np.nan_to_num(_number(columns, "flow duration")) / 1e6


def _cic_attacks(columns: Columns) -> pd.Series[str]:
    label = _text(columns, "label").str.replace(r"[^ -~]+", "-", regex=True)
    return label.where(~label.str.upper().eq("BENIGN"), CLEAN).where(label.ne(""), UNKNOWN)


def _unraveled_ends(columns: Columns, zone: tzinfo) -> Floats:
    return _number(columns, "bidirectional_last_seen_ms") / 1e3


def _unraveled_attacks(columns: Columns) -> pd.Series[str]:
    stage = _text(columns, "stage")
    return stage.where(~stage.str.lower().eq("benign"), CLEAN).where(stage.ne(""), UNKNOWN)


FLOWS = {
    "ctu13": FlowFormat(
        Layout(("starttime", "dur", "srcaddr", "dstaddr", "label")),
        "srcaddr",
        "dstaddr",
        "label",
        _ctu_ends,
        _ctu_attacks,
    ),
    "unsw-nb15": FlowFormat(
        Layout(("srcip", "dstip", "stime", "dur", "attack_cat", "label"), UNSW_COLUMNS, "srcip,"),
        "srcip",
        "dstip",
        "label",
        _unsw_ends,
        _unsw_attacks,
    ),
    "cic-ids2017": FlowFormat(
        Layout(("source ip", "destination ip", "timestamp", "flow duration", "label")),
        "source ip",
        "destination ip",
        "label",
        _cic_ends,
        _cic_attacks,
        "America/Halifax",
    ),
    "unraveled": FlowFormat(
        Layout(("src_ip", "dst_ip", "bidirectional_last_seen_ms", "stage")),
        "src_ip",
        "dst_ip",
        "stage",
        _unraveled_ends,
        _unraveled_attacks,
    ),
}
