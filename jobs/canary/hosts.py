"""Which hosts the attacks are put on: typical ones that are active in the window, with low scores."""

from __future__ import annotations

import hashlib
import ipaddress
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

import numpy as np
import pyarrow as pa

from common.addresses import are_internal, plain_address
from common.detection.alerts.terms import ALERT_SCORE
from common.errors import InputError
from common.lake.reader import LakeReader
from common.windows import Windows

MIDDLE = (0.25, 0.75)
"""Of the hosts by their sessions: those in between, if there are enough; others hardly act, or are servers."""
NEIGHBOURS = {4: 22, 6: 118}
"""Length of the prefix around a host in which its scan looks for addresses, by version."""


def chosen_hosts(lake: LakeReader, window: Windows, history: Windows, count: int) -> list[str]:
    """So many different hosts, the same ones whenever it is asked for the window.

    Raises:
        InputError: there are too few that may be chosen.
    """
    quiet = _lower_half(lake.arrow("predictions", ["host_ip", "anomaly_score"], window))
    sums = outbound_sessions(lake, history)
    active = set(lake.arrow("delta_host", ["host_ip"], window, equal={"role": "outbound"})["host_ip"].to_pylist())
    places = Counter(map(plain_address, sums))
    known = {host: sums[host] for host in active & sums.keys() if places[plain_address(host)] == 1}
    least, most = np.quantile([*known.values()], MIDDLE) if known else (0, 0)
    found = {host: not least <= sessions <= most for host, sessions in known.items() if host in quiet}
    if len(found) < count:
        raise InputError(
            f"only {len(found)} hosts are active and of low scores in {window}, and {count} are needed",
            "Give --window of working hours",
        )
    return sorted(found, key=lambda host: (found[host], hashlib.sha256(f"{window.key} {host}".encode()).digest()))[
        :count
    ]


def _lower_half(predictions: pa.Table) -> set[str]:
    """The hosts with the lower scores: whoever is at the top anyway proves nothing."""
    scores = predictions["anomaly_score"].to_numpy()
    is_low = scores <= min(np.median(scores), np.nextafter(ALERT_SCORE, 0)) if len(scores) else scores > 0
    return set(predictions.filter(pa.array(is_low))["host_ip"].to_pylist())


def outbound_sessions(lake: LakeReader, windows: Windows) -> dict[str, int]:
    """How many sessions each host began in the windows."""
    rows = lake.arrow("delta_host", ["host_ip", "sessions_cnt"], windows, equal={"role": "outbound"})
    sums = rows.group_by("host_ip").aggregate([("sessions_cnt", "sum")])
    return dict(zip(sums["host_ip"].to_pylist(), sums["sessions_cnt_sum"].to_pylist(), strict=True))


def dark_addresses(host: str, known: Collection[str], internal_cidrs: Sequence[str], count: int) -> list[str]:
    """Up to so many internal addresses around a host that are none of the known ones, the next ones first."""
    address = ipaddress.ip_address(plain_address(host))
    network = ipaddress.ip_network(f"{address}/{NEIGHBOURS[address.version]}", strict=False)
    around = sorted(network, key=lambda other: (abs(int(other) - int(address)), int(other)))
    dark = [text for other in around if (text := str(other)) not in known]
    inside = are_internal(pa.array(dark, pa.string()), internal_cidrs)
    found: Iterator[str] = (text for text, is_inside in zip(dark, inside, strict=True) if is_inside)
    return [text for text, _ in zip(found, range(count), strict=False)]
