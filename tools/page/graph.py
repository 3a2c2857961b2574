"""Who met whom in a case, as a graph: its sources, their peers, and what passed between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from common.addresses import are_internal
from common.cases.ends import Ends, of_case
from common.detection.alerts.cases import Case
from common.lake.lake import Lake
from common.windows import Windows

TABLE = "delta_pair"
ENDS = ("src_ip", "dst_ip", "dst_port")
COUNTS = ("sessions_cnt", "failed_cnt")
START = "window_start_ts"
OUTSIDE = "outside"
SOURCES_DRAWN = 8
PEERS_DRAWN = 12
"""Of more peers, some that matter are drawn, and the others by segment."""

ALONE = 6
SEGMENTS_DRAWN = 6
HOSTS_NAMED = 20
PORTS_NAMED = 4


@dataclass(frozen=True, order=True)
class Link:
    """The sessions that a source opened with a service of a peer; `segment` is that of the peer, or `OUTSIDE`."""

    source: str
    peer: str
    port: int
    segment: str
    sessions: int
    failed: int


def links(lake: Lake, cases: Sequence[Case], internal_cidrs: Sequence[str]) -> list[list[Link]]:
    """For each case what its contacts are about, in its windows, in order; the table is read once for all.

    Of a scan, that is all that its sources opened on the side, inside or outside, where its contacts are.

    Raises:
        TableError: the table is unreadable.
    """
    wanted = [[ends for ends in of_case(case, str) if not ends.both_ways] for case in cases]
    sources = pa.array(sorted({ends.source for of_one in wanted for ends in of_one}), pa.string())
    if not len(sources) or not lake.exists(TABLE):
        return [[] for _ in cases]
    windows = Windows(min(case.start for case in cases), max(case.end for case in cases))
    inside = pa.array(are_internal(sources, internal_cidrs))
    began, came = sources.filter(inside), sources.filter(pc.invert(inside))
    rows = pa.concat_tables([_opened(lake, windows, began, "outbound"), _opened(lake, windows, came, "inbound")])
    rows = rows.append_column("inside", pa.array(are_internal(rows["dst_ip"].combine_chunks(), internal_cidrs)))
    found = []
    for case, of_one in zip(cases, wanted, strict=True):
        targets = pa.array([contact.target for contact in case.contacts], pa.string())
        sides = set(are_internal(targets, internal_cidrs).tolist())
        start = rows[START]
        during = pc.and_(pc.greater_equal(start, case.start), pc.less(start, case.end))
        mine = rows.filter(pc.and_(during, pc.is_in(rows["inside"], pa.array(sides, pa.bool_()))))
        found.append(_summed(mine, of_one))
    return found


def _summed(rows: pa.Table, wanted: Sequence[Ends]) -> list[Link]:
    """The wanted sessions of the rows, for each service that a source met."""
    if not wanted:
        return []
    rows = rows.filter(reduce(pc.or_, (ends.among(rows) for ends in wanted)))
    rows = rows.append_column("segment", pc.if_else(rows["inside"], rows["of"], OUTSIDE))
    sums = rows.group_by([*ENDS, "segment"]).aggregate([(name, "sum") for name in COUNTS])
    names = [*ENDS, "segment", *(f"{name}_sum" for name in COUNTS)]
    return sorted(Link(*(row[name] for name in names)) for row in sums.to_pylist())


def _opened(lake: Lake, windows: Windows, sources: pa.Array, role: str) -> pa.Table:
    """The sessions that sources opened in the windows: as they had them (`outbound`), or as those that they met."""
    ends = ["host_ip", "peer_ip", "peer_port", "peer_segment_id"]
    if role == "inbound":
        ends = ["peer_ip", "host_ip", "peer_port", "segment_id"]
    columns = [*ends, START, *COUNTS]
    rows = lake.arrow(TABLE, columns, windows, equal={ends[0]: sources.to_pylist(), "role": role})
    return rows.select(columns).rename_columns([*ENDS, "of", START, *COUNTS])


def graph(case: Case, found: Sequence[Link]) -> dict[str, Any] | None:
    """The `sources` and `peers` of the links as nodes, and the `edges` between them; None if only two hosts met.

    A node is a host, or several: how many (`count`), the first `hosts`, the `segment` if they have one, and whether one
    `alerted` because of the case. An edge has the places of its `source` and its `peer`. Edges and peers have what
    passed there: `sessions`, `failed` of these, how many ports (`ports_cnt`), and the `ports` with the most sessions.
    """
    if len({(link.source, link.peer) for link in found}) < 2:
        return None
    segments = {link.peer: link.segment for link in found}
    sources = _sources(case, {link.source for link in found})
    peers = _peers(case, segments)
    source_at, peer_at = ({host: at for at, hosts in enumerate(nodes) for host in hosts} for nodes in (sources, peers))
    between: dict[tuple[int, int], list[Link]] = defaultdict(list)
    reached: dict[int, list[Link]] = defaultdict(list)
    for link in found:
        source, peer = source_at[link.source], peer_at[link.peer]
        between[source, peer].append(link)
        reached[peer].append(link)
    return {
        "sources": [_node(case, hosts, {}) for hosts in sources],
        "peers": [_node(case, hosts, segments) | _passed(reached[place]) for place, hosts in enumerate(peers)],
        "edges": [{"source": source, "peer": peer} | _passed(mine) for (source, peer), mine in sorted(between.items())],
    }


def _sources(case: Case, hosts: set[str]) -> list[list[str]]:
    """The sources one by one, those of the case first, and what is too many together."""
    ordered = [*(host for host in case.sources if host in hosts), *sorted(hosts - {*case.sources})]
    if len(ordered) <= SOURCES_DRAWN:
        return [[host] for host in ordered]
    return [*([host] for host in ordered[: SOURCES_DRAWN - 1]), ordered[SOURCES_DRAWN - 1 :]]


def _peers(case: Case, segments: dict[str, str]) -> list[list[str]]:
    """The peers one by one, the most anomalous first; of many the first that matter, and the others by segment."""
    order = dict.fromkeys([*case.targets, *(contact.target for contact in case.contacts), *sorted(segments)])
    ordered = [host for host in order if host in segments]
    if len(ordered) <= PEERS_DRAWN:
        return [[host] for host in ordered]
    matter = {*case.targets} | (set() if case.is_scan else case.main_peers)
    alone = [host for host in ordered if host in matter][:ALONE]
    of_segments: dict[str, list[str]] = defaultdict(list)
    for host in sorted({*ordered} - {*alone}):
        of_segments[segments[host]].append(host)
    groups = sorted(of_segments.values(), key=lambda hosts: (-len(hosts), hosts))
    rest = [host for hosts in groups[SEGMENTS_DRAWN - 1 :] for host in hosts]
    return [*([host] for host in alone), *groups[: SEGMENTS_DRAWN - 1], *([rest] if rest else [])]


def _node(case: Case, hosts: Sequence[str], segments: dict[str, str]) -> dict[str, Any]:
    of = {segments.get(host) for host in hosts}
    return {
        "hosts": list(hosts[:HOSTS_NAMED]),
        "count": len(hosts),
        "segment": of.pop() if len(of) == 1 else None,
        "alerted": not {*hosts}.isdisjoint(case.targets),
    }


def _passed(found: Iterable[Link]) -> dict[str, Any]:
    """What passed in some links together."""
    ports: dict[int, int] = defaultdict(int)
    sessions = failed = 0
    for link in found:
        ports[link.port] += link.sessions
        sessions += link.sessions
        failed += link.failed
    most = sorted(ports, key=lambda port: (-ports[port], port))[:PORTS_NAMED]
    return {"sessions": sessions, "failed": failed, "ports": sorted(most), "ports_cnt": len(ports)}
