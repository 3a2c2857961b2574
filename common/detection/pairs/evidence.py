"""The evidence of pairs: how rare first contacts are, and by how much quantities exceed their prior maxima."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.address_codes import address_codes
from common.arrays import Flags, Floats, Integers
from common.detection.pairs.coded_columns import Coded, Taken, codes, in_order
from common.detection.pairs.contacts import distinct, of_texts
from common.detection.pairs.group_codes import group_codes
from common.detection.pairs.regularity import evenness, lasting_evenness, lasting_gaps
from common.detection.pairs.words import WORDS
from common.detection.parameters import PairParameters
from common.threats import SEVERITY, is_severe

KINDS = ("outbound", "outbound_internal", "inbound", "inbound_internal")
# who has used a pair's service in its network before: its host, others there, or nobody in that network
NOVELTY = ("known", "new", "unheard")
# what a row is compared with: rows of its kind; a habit of a host (see `Habits`) with what other hosts do
LABELS = (*KINDS, *(f"{kind}_habit" for kind in KINDS))
# what a contact can be new in: the peer, its network, who owns that, the service port, the service in that network
NOVELTIES = ("peer", "network", "owner", "service", "use")
# what a pair can exceed, see `_quantities`
EXCESSES = ("failed_24h", "sessions_24h", "sessions_15m", "slices_24h", "net_sent_24h", "net_sent_mean_24h",
            "regular_24h", "regular_new_24h", "lasting_even", "lasting_days")  # fmt: skip
# roots of counts of 24 hours: chance moves such a root by 0.5, and windows have most of these hours in common
DAY_COUNTS = ("sessions_24h", "slices_24h")
# those that lasting contacts alone have, so that they are compared with these
LASTING = ("lasting_even", "lasting_days")
# what a host can do more of than ever: counts of a window, those to peers of a first contact, kilobytes sent to these
SPREADS = ("new_peers", "new_networks", "new_services", "new_uses", "failed_new_uses", "failed_peers", "new_sessions",
           "new_sent_kb")  # fmt: skip
RARITIES = ("peer_rarity", "network_rarity", "service_rarity", "use_rarity")
# a threat that the firewall reports, if it is at least so severe
THREAT = "threat"
PIECES = (*RARITIES, *EXCESSES, THREAT)


@dataclass(frozen=True, eq=False)
class Evidence:
    """The evidence of some rows, each for a host, a kind (an index of `KINDS`) and a window.

    `rarities` count as they are; `amounts` count by their excess over the prior maximum of the row's `group`. Rows that
    are `common` have no excess: many hosts have just begun the same, and its usual amount is not known yet. `window` is
    the number of each row's window. `novelty` is an index of `NOVELTY`: amounts are compared with training rows that
    are as new.

    `among_others` says how the rows stand out from other hosts, whether or not they are new to their own; None where
    nothing is known of that. Where a row is a `habit`, its rarities and its novelty are these. `threat` is the severity
    of the worst threat that logs report, of those that are severe, else 0; None of what has none.
    """

    rows: pa.Table
    kind: Integers
    group: Coded
    rarities: Mapping[str, Floats]
    amounts: Mapping[str, Floats]
    common: Flags
    host: Coded
    window: Integers
    novelty: Integers
    among_others: AmongOthers | None
    habit: Flags
    threat: Integers | None = None

    @property
    def label(self) -> Integers:
        """The index in `LABELS` of each row."""
        return self.kind + self.habit * len(KINDS)

    @property
    def contexts(self) -> Integers:
        """What amounts of each row are compared with, as numbers: its label and its novelty."""
        return self.label * len(NOVELTY) + self.novelty

    def of_rows(self, rows: Integers) -> Evidence:
        """The evidence of those rows, by their numbers; values are taken when they are asked for."""
        among = self.among_others
        return Evidence(
            self.rows.take(pa.array(rows)) if self.rows.num_columns else self.rows,
            self.kind[rows],
            self.group.of_rows(rows),
            Taken(self.rarities, rows),
            Taken(self.amounts, rows),
            self.common[rows],
            self.host.of_rows(rows),
            self.window[rows],
            self.novelty[rows],
            among and AmongOthers(Taken(among.rarities, rows), among.novelty[rows]),
            self.habit[rows],
            None if self.threat is None else self.threat[rows],
        )

    def with_habits(self, habit: Flags) -> Evidence:
        """The evidence with these rows as habits; there is an `among_others`."""
        among = self.among_others
        assert among is not None
        rarities = {name: np.where(habit, among.rarities[name], values) for name, values in self.rarities.items()}
        return replace(self, rarities=rarities, novelty=np.where(habit, among.novelty, self.novelty), habit=habit)


@dataclass(frozen=True, eq=False)
class AmongOthers:
    """The rarities and the novelty of rows by what other hosts have met, whether or not it is new to their own."""

    rarities: Mapping[str, Floats]
    novelty: Integers


def pair_evidence(activity: pa.Table, parameters: PairParameters) -> Evidence:
    """The evidence of each pair, compared with those of its group."""
    severity = activity[SEVERITY].to_numpy()
    return Evidence(
        activity,
        _kinds(activity),
        pair_groups(activity),
        _rarities(activity),
        _quantities(activity, parameters),
        np.asarray(activity["use_joined"]),
        hosts_of(activity),
        np.asarray(activity["window_number"], dtype=np.int64),
        _novelty(activity),
        AmongOthers(_bits(activity, "bits_now"), _standing(activity)),
        np.zeros(len(activity), dtype=bool),
        np.where(is_severe(severity), severity, 0),
    )


def pair_groups(activity: pa.Table) -> Coded:
    """What each pair is compared with: pairs of the same role, network and service port."""
    return Coded.of(activity["group"].to_numpy())


def hosts_of(rows: pa.Table) -> Coded:
    """The hosts of rows, by the codes of their addresses."""
    return Coded.of(of_texts(rows["host_ip"], address_codes))


def spread_evidence(counts: pa.Table) -> Evidence:
    """The evidence of each row of `spreads`: the counts of `SPREADS`, compared within kind and segment."""
    kinds = counts["kind"].to_numpy()
    return Evidence(
        counts,
        kinds,
        Coded.of(group_codes(of_texts(counts["segment_id"], address_codes), kinds)),
        {},
        {name: np.log10(1.0 + counts[name].to_numpy()) for name in SPREADS},
        np.zeros(len(counts), dtype=bool),
        hosts_of(counts),
        np.asarray(counts["window_number"], dtype=np.int64),
        np.zeros(len(counts), dtype=np.int64),
        None,
        np.zeros(len(counts), dtype=bool),
    )


def _kinds(activity: pa.Table) -> Integers:
    """The index in `KINDS` of each row."""
    inbound = of_texts(activity["role"], lambda texts: np.asarray(pc.equal(texts, "inbound"), dtype=np.int64))
    return inbound * 2 + np.asarray(activity["internal"], dtype=np.int64)


def lasts(activity: pa.Table) -> Flags:
    """Which pairs are lasting contacts (see `Lasting.columns`) that the host began, with peers that few others know."""
    lasting = activity["lasting_windows"].to_numpy() > 0
    return np.asarray(lasting & ~np.asarray(activity["peer_usual"]) & (_kinds(activity) < KINDS.index("inbound")))


def _rarities(activity: pa.Table) -> dict[str, Floats]:
    """The bits of what each pair is with; a lasting contact is as rare as if it were new, by what others know now."""
    lasting, now = lasts(activity), _bits(activity, "bits_now")
    return {
        name: np.where(lasting, np.maximum(bits, now[name]), bits) for name, bits in _bits(activity, "bits").items()
    }


def _novelty(activity: pa.Table) -> Integers:
    """The index in `NOVELTY` of each row; what many begin at once is known."""
    new = np.asarray(activity["use_new"]) & ~np.asarray(activity["use_joined"])
    unheard = np.asarray(activity["network_others"]) == 0
    return np.where(new, np.where(unheard, NOVELTY.index("unheard"), NOVELTY.index("new")), NOVELTY.index("known"))


def _standing(activity: pa.Table) -> Integers:
    """The index in `NOVELTY` of each row by other hosts alone: new while fewer than a quorum know the use."""
    unheard = np.asarray(activity["use_others_now"]) == 0
    new = np.where(np.asarray(activity["use_usual"]), NOVELTY.index("known"), NOVELTY.index("new"))
    return np.where(unheard, NOVELTY.index("unheard"), new)


def _bits(activity: pa.Table, measure: str) -> dict[str, Floats]:
    """How rare what each pair is with is, in bits.

    A network is as rare as its owner, where that is known, and at least as rare as the domain; a service is at least as
    rare as its application on that port. Where logs do not say these, their bits are 0.
    """
    bits = {what: activity[f"{what}_{measure}"].to_numpy() for what in (*NOVELTIES, *WORDS)}
    owned = np.asarray(activity["owner"].is_valid())
    network = np.where(owned, bits.pop("owner"), bits["network"])
    bits["network"] = np.maximum(network, bits.pop("domain"))
    bits["service"] = np.maximum(bits["service"], bits.pop("app"))
    return {f"{what}_rarity": values for what, values in bits.items()}


def _quantities(activity: pa.Table, parameters: PairParameters) -> dict[str, Floats]:
    """The quantities compared with prior maxima, by the names of `EXCESSES`, scaled so that differences are comparable.

    Counts by their square roots, whose noise is the same everywhere; failed sessions by the share that failed: few
    failures among many sessions are ordinary. Bytes by what was sent beyond what came back. Regularity is by how far
    the gaps between sessions are from chance, once for all pairs and once for first contacts alone: the variation of n
    independent gaps deviates from 1 by about 1 / sqrt(n). Lasting contacts by their days, fewer where the gaps between
    their windows vary much, and by how even these are over the days.
    """
    failed, sessions, now, sent, received = (
        activity[name].to_numpy() for name in ("failed_day", "sessions_day", "sessions", "sent_day", "received_day")
    )
    net = np.maximum(sent - received, 0.0)
    regular = np.asarray(evenness(activity, parameters.regular_sessions) * np.sqrt(np.maximum(sessions - 1.0, 0.0)))
    _, variation, days = lasting_gaps(activity)
    even, weight = lasting_evenness(activity)
    steady = parameters.lasting_variation / np.maximum(variation, parameters.lasting_variation)
    lasting = lasts(activity)
    return {
        "failed_24h": failed / np.sqrt(np.maximum(sessions, 1.0)),
        "sessions_24h": np.sqrt(sessions),
        "sessions_15m": np.sqrt(now),
        "slices_24h": np.sqrt(activity["slices_day"].to_numpy()),
        "net_sent_24h": np.log10(1.0 + net),
        "net_sent_mean_24h": np.log10(1.0 + net / np.maximum(sessions, 1.0)),
        "regular_24h": regular,
        "regular_new_24h": regular * np.asarray(activity["peer_new"]),
        "lasting_even": even * weight * lasting,
        "lasting_days": days * steady * lasting,
    }


def spreads(activity: pa.Table) -> pa.Table:
    """One row per host, kind and window: the counts of `SPREADS`, with `segment_id`."""
    columns = ["host_ip", "segment_id", "window_start_ts", "window_number"]
    keys = activity.select(columns).append_column("kind", pa.array(_kinds(activity)))
    host, kind = (in_order(codes(keys, columns=[name])[0])[0] for name in ("host_ip", "kind"))
    (window,) = codes(keys, columns=["window_number"])
    cells = (host * (int(window.max(initial=0)) + 1) + window) * len(KINDS) + kind
    _, order, at = np.unique(cells, return_index=True, return_inverse=True)
    rows = len(order)
    new = {what: np.asarray(activity[f"{what}_new"]) for what in NOVELTIES}
    failed = activity["failed"].to_numpy() >= activity["sessions"].to_numpy()
    joined = np.asarray(activity["use_joined"])
    first = (new["peer"] | new["use"]) & ~joined
    peer, port = (codes(activity, columns=[name])[0] for name in ("peer_ip", "peer_port"))
    network = Coded.of(activity["network"].to_numpy()).numbers
    use = peer * (int(port.max(initial=0)) + 1) + port

    def different(counted: Flags, value: Integers) -> Floats:
        span = int(value.max(initial=0)) + 1
        return np.bincount(distinct(at[counted] * span + value[counted]) // span, minlength=rows).astype(np.float64)

    counts = {
        "new_peers": different(new["peer"] & ~joined, peer),
        "new_networks": different(new["network"] & ~joined, network),
        "new_services": different(new["service"] & ~joined, port),
        "new_uses": different(first, use),
        "failed_new_uses": different(first & failed, use),
        "failed_peers": different(failed, peer),
        "new_sessions": np.bincount(at, activity["sessions"].to_numpy() * first, rows),
        "new_sent_kb": np.bincount(at, activity["sent"].to_numpy() * first, rows) / 1000.0,
    }
    table = keys.take(pa.array(order))
    for name in SPREADS:
        table = table.append_column(name, pa.array(counts[name]))
    return table
