"""The member of the detector that judges pairs: fitted on the activity of the training range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.detection.calibration.global_quantiles import ScoreQuantiles
from common.detection.calibration.per_host import HostSurvival
from common.detection.pairs.activity import codes
from common.detection.pairs.first_seen import QUORUM_HOSTS, QUORUM_SHARE
from common.detection.pairs.numbering import slice_numbers
from common.detection.pairs.prior_maxima import Ceiling, company_ceiling
from common.detection.pairs.scoring import (
    HISTORY_SHARE,
    KINDS,
    SPREADS,
    Codes,
    Floats,
    Member,
    bits_of,
    days_of,
    fit_tails,
    kinds_of,
    quantities,
    spreads,
    strongest,
    traffic_group,
)

SPREAD_WEIGHT = 0.25


@dataclass(frozen=True, eq=False)
class Judged:
    """Rows of one member: the table, kinds, evidence of shape (n_rows, n_pieces), ceilings by name, surprise."""

    rows: pa.Table
    kind: Codes
    pieces: Floats
    ceilings: Mapping[str, Floats]
    surprise: Floats

    @property
    def sums(self) -> Floats:
        """The evidence of each row."""
        return np.asarray(self.pieces.sum(axis=1))


@dataclass(frozen=True, eq=False)
class PairModel:
    """What hosts usually do with their peers, and how rare it is that they exceed it.

    `calibration` is the training distribution of the detector's whole raw score, pairs included.
    """

    pairs: Member
    spread: Member
    calibration: ScoreQuantiles | None = None

    @classmethod
    def fit(cls, activity: pa.Table) -> tuple[PairModel, Judged, Judged]:
        """The model of the activity of a range in time order, and its own rows judged as if they were left out.

        The first `HISTORY_SHARE` of the range only serves as history: where nothing is known, everything is new.
        """
        moment = slice_numbers(activity["window_start_ts"])
        late = moment >= moment.min() + HISTORY_SHARE * (moment.max() + 1 - moment.min())
        activity = activity.filter(pa.array(late))
        pairs, judged = _fit(activity, bits_of(activity), quantities(activity), traffic_group(activity))
        counts = spreads(activity)
        found, counted = _fit(counts, {}, _scaled(counts), _segment_group(counts))
        return cls(pairs, found), judged, counted

    def judge(self, activity: pa.Table) -> tuple[Judged, Judged]:
        """The pairs and the counts of hosts, judged."""
        counts = spreads(activity)
        return (
            _judge(self.pairs, activity, bits_of(activity), quantities(activity), traffic_group(activity)),
            _judge(self.spread, counts, {}, _scaled(counts), _segment_group(counts)),
        )

    def to_dict(self) -> dict[str, Any]:
        """The model as JSON values."""
        return {
            "pairs": self.pairs.to_dict(),
            "spread": self.spread.to_dict(),
            "calibration": self.calibration.to_dict() if self.calibration else None,
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> PairModel:
        """The model that `to_dict` wrote."""
        calibration = ScoreQuantiles.from_dict(raw["calibration"]) if raw["calibration"] else None
        return cls(Member.from_dict(raw["pairs"]), Member.from_dict(raw["spread"]), calibration)


def window_surprises(pairs: Judged, spread: Judged) -> pa.Table:
    """One row per host and window: `pairs` and `spread`, the largest surprise of any kind, and the rows they are of."""
    columns = ["host_ip", "window_start_ts"]
    at_pairs, at_spread = codes(pairs.rows, spread.rows, columns=columns)
    windows = np.unique(at_pairs)
    found: dict[str, Any] = {}
    for name, judged, at in (("pairs", pairs, at_pairs), ("spread", spread, at_spread)):
        order = np.lexsort((-judged.sums, -judged.surprise, at))
        first = order[np.unique(at[order], return_index=True)[1]]
        found[name] = judged.surprise[first]
        found[f"{name}_row"] = first
    keys = pairs.rows.select(columns).take(pa.array(found["pairs_row"]))
    assert len(windows) == len(keys)
    return pa.table({**{name: keys[name] for name in columns}, **found})


def joined(keys: pa.Table, surprises: pa.Table) -> pa.Table:
    """The surprises of those hosts and windows, in their order; 0 and row -1 where there was no pair."""
    at, known = codes(keys, surprises, columns=["host_ip", "window_start_ts"])
    order = np.argsort(known, kind="stable")
    place = np.minimum(np.searchsorted(known[order], at), len(known) - 1)
    found = known[order][place] == at if len(known) else np.zeros(len(at), dtype=bool)
    columns = {}
    for name, nothing in (("pairs", 0.0), ("pairs_row", -1), ("spread", 0.0), ("spread_row", -1)):
        values = surprises[name].to_numpy()
        columns[name] = np.where(found, values[order][place], nothing) if len(known) else np.full(len(at), nothing)
    return pa.table(columns)


def raw_scores(surprises: pa.Table) -> Floats:
    """What pairs add to the raw score of each host and window."""
    return np.asarray(surprises["pairs"].to_numpy() + SPREAD_WEIGHT * surprises["spread"].to_numpy())


def _scaled(counts: pa.Table) -> dict[str, Floats]:
    return {name: np.log10(1.0 + counts[name].to_numpy()) for name in SPREADS}


def _segment_group(counts: pa.Table) -> pa.Array:
    kinds = pa.array(KINDS).take(counts["kind"].combine_chunks())
    joined = pc.binary_join_element_wise(kinds, counts["segment_id"].combine_chunks(), " ")
    return joined


def _kinds(rows: pa.Table) -> Codes:
    return rows["kind"].to_numpy() if "kind" in rows.column_names else kinds_of(rows)


def _fit(
    rows: pa.Table, direct: Mapping[str, Floats], limited: Mapping[str, Floats], group: pa.Array
) -> tuple[Member, Judged]:
    """The member of the rows; `direct` values count as they are, `limited` ones by what exceeds their ceilings."""
    kind, host, day = _kinds(rows), rows["host_ip"].combine_chunks(), days_of(rows)
    ceilings, honest, values = {}, {}, dict(direct)
    for name, value in limited.items():
        ceilings[name], known = Ceiling.fit(group, host, day - day.min(), kind, len(KINDS), value)
        honest[name] = np.maximum(known, _company(rows, group, kind, value))
        values[name] = _excess(rows, value, honest[name])
    member = Member(ceilings, fit_tails(values, kind), {})
    pieces = member.pieces(values, kind)
    sums = pieces.sum(axis=1)
    (hosts,) = codes(rows, columns=["host_ip"])
    best = strongest(sums, hosts, slice_numbers(rows["window_start_ts"]), kind)
    names = np.asarray(host.to_numpy(zero_copy_only=False))
    survivals = {
        label: HostSurvival.fit(sums[mine], names[mine])
        for number, label in enumerate(KINDS)
        if len(mine := best[kind[best] == number])
    }
    member = Member(ceilings, member.tails, survivals)
    surprise = np.zeros(len(rows))
    surprise[best] = member.surprises(sums[best], kind[best], names[best], trained=True)
    return member, Judged(rows, kind, pieces, honest, surprise)


def _excess(rows: pa.Table, values: Floats, ceilings: Floats) -> Floats:
    """What exceeds the ceilings; nothing where many hosts have just begun the same: nobody knows its usual yet."""
    excess = np.maximum(values - ceilings, 0.0)
    return np.where(np.asarray(rows["use_joined"]), 0.0, excess) if "use_joined" in rows.column_names else excess


def _company(rows: pa.Table, group: pa.Array, kind: Codes, values: Floats) -> Floats:
    """What others do in the same group and window, where a quorum of hosts does: what all do at once is no attack."""
    (host,) = codes(rows, columns=["host_ip"])
    at = np.asarray(pc.dictionary_encode(group).indices, dtype=np.int64)
    moment = slice_numbers(rows["window_start_ts"])
    window = at * (int(np.ptp(moment)) + 1 if len(moment) else 1) + moment - moment.min(initial=2**40)
    quorum = max(QUORUM_HOSTS, QUORUM_SHARE * len(np.unique(host)))
    found = company_ceiling(window, host, values, quorum)
    return np.where(kind < KINDS.index("inbound"), found, -np.inf)


def _judge(
    member: Member, rows: pa.Table, direct: Mapping[str, Floats], limited: Mapping[str, Floats], group: pa.Array
) -> Judged:
    kind, host = _kinds(rows), rows["host_ip"].combine_chunks()
    ceilings = {
        name: np.maximum(member.ceilings[name].of(group, host, kind), _company(rows, group, kind, value))
        for name, value in limited.items()
    }
    values = {**direct, **{name: _excess(rows, value, ceilings[name]) for name, value in limited.items()}}
    pieces = member.pieces(values, kind)
    names = np.asarray(host.to_numpy(zero_copy_only=False))
    return Judged(rows, kind, pieces, ceilings, member.surprises(pieces.sum(axis=1), kind, names))
