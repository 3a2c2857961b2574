"""Every metric of FG-A by its name: the sums of slices as they are, and the formula of each other one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from common.arrays import Flags, Floats, Integers
from common.features.computed import check_computed
from common.features.spec import FeatureSpec
from jobs.fg_a.sums import Spread, entropy

Values = Floats | Integers


@dataclass(frozen=True)
class Lookback:
    """What is known of one look-back, every array `(n_owners, n_windows)`: an owner is a host in a role.

    `sums` are the additive metrics by name, `peak` the sessions of the busiest minute; `peers`, `ports`, `segments`,
    `services` (peer and port) and `risky_peers` (those in high-risk segments) say how sessions spread. `known` is true
    where the host has a history.
    """

    sums: Mapping[str, Values]
    peak: Values
    peers: Spread
    ports: Spread
    segments: Spread
    services: Spread
    risky_peers: Spread
    known: Flags


def share(part: Values, whole: Values) -> Floats:
    """The quotient; 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(whole.shape), where=whole != 0)


def _quotient(part: str, whole: str) -> Callable[[Lookback], Values]:
    return lambda back: share(back.sums[part], back.sums[whole])


def _asymmetry(back: Lookback) -> Values:
    sent, received = back.sums["bytes_src_sum"], back.sums["bytes_dst_sum"]
    return share(sent - received, sent + received)


def _known(values: Callable[[Lookback], Values]) -> Callable[[Lookback], Values]:
    """The values, NaN where the host has no history."""
    return lambda back: np.where(back.known, values(back), np.nan)


FORMULAS: dict[str, Callable[[Lookback], Values]] = {
    "peer_ip_nunique": lambda back: back.peers.distinct,
    "peer_port_nunique": lambda back: back.ports.distinct,
    "peer_segment_nunique": lambda back: back.segments.distinct,
    "peer_ip_entropy": lambda back: entropy(back.peers.total, back.peers.n_log_n),
    "peer_port_entropy": lambda back: entropy(back.ports.total, back.ports.n_log_n),
    "peer_ip_top1_sessions_share": lambda back: share(back.peers.largest, back.peers.total),
    "peer_port_top1_sessions_share": lambda back: share(back.ports.largest, back.ports.total),
    "peer_ip_top1_bytes_share": lambda back: share(back.peers.bytes_largest, back.peers.bytes_total),
    "peer_port_top1_bytes_share": lambda back: share(back.ports.bytes_largest, back.ports.bytes_total),
    "max_sessions_per_minute": lambda back: back.peak,
    "duration_mean": _quotient("duration_sum", "sessions_cnt"),
    "deny_ratio": _quotient("deny_cnt", "sessions_cnt"),
    "bytes_asymmetry_ratio": _asymmetry,
    "transport_tcp_ratio": _quotient("tcp_cnt", "sessions_cnt"),
    "transport_udp_ratio": _quotient("udp_cnt", "sessions_cnt"),
    "transport_icmp_ratio": _quotient("icmp_cnt", "sessions_cnt"),
    "has_high_risk_port_activity": lambda back: (back.sums["high_risk_port_sessions_cnt"] > 0).astype(np.int64),
    "new_peer_cnt_lookback30d": _known(lambda back: back.peers.new),
    "rare_peer_cnt_lookback30d": _known(lambda back: back.peers.rare),
    "new_peer_ratio_lookback30d": _known(lambda back: share(back.peers.new, back.peers.distinct)),
    "new_dst_port_cnt_lookback30d": _known(lambda back: back.ports.new),
    "rare_dst_port_cnt_lookback30d": _known(lambda back: back.ports.rare),
    "new_pair_cnt_lookback30d": _known(lambda back: back.peers.new),
    "new_src_dst_port_cnt_lookback30d": _known(lambda back: back.services.new),
    "high_risk_segment_sessions_cnt": lambda back: back.risky_peers.total,
    "high_risk_segment_unique_dsts": lambda back: back.risky_peers.distinct,
    "has_high_risk_segment_interaction": lambda back: (back.risky_peers.total > 0).astype(np.int64),
}
"""The computation of each metric that is not a sum, by its name in the specification."""


def metric_values(spec: FeatureSpec, back: Lookback) -> dict[str, Values]:
    """All metrics of a look-back by name, each `(n_owners, n_windows)`; NaN is null."""
    return {
        metric.name: back.sums[metric.name] if metric.sum else FORMULAS[metric.name](back) for metric in spec.metrics
    }


def check_formulas(spec: FeatureSpec) -> None:
    """Checks that every metric without a sum has a formula here, and every formula a metric.

    Raises:
        SpecError: one has none.
    """
    declared = [metric.name for metric in spec.metrics if not metric.sum]
    check_computed(spec, "metrics", declared, FORMULAS, "FORMULAS in jobs/fg_a/metrics.py")
