"""What slices need of sessions, once for each of their addresses that is internal: the host, and the other its peer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from common.addresses import are_internal
from common.arrays import Flags
from common.coded import encoded
from common.config.project import ProjectParameters
from common.contracts import QUANTILE_SOURCES
from common.contracts.columns import THREAT_SEVERITY
from common.features.spec import FeatureSpec
from common.lake.row_groups import by_number
from jobs.delta import words
from jobs.delta.kept import ROWS_PER_READ, Piece
from jobs.delta.networks import in_networks
from jobs.delta.pairs import PROTOCOLS
from jobs.delta.staging import SLICE
from jobs.delta.sums import columns_named, connection, evaluated

ADDRESSES = ("src_ip", "dst_ip")
READ = (
    SLICE.name, "event_type", "start_ts", "end_ts", *ADDRESSES, "dst_port", "protocol", "repeat_count",
    *QUANTILE_SOURCES.values(), *words.READ,
)  # fmt: skip
OF_NETWORKS = ("device_serial", "virtual_system", "src_zone", "dst_zone")

_PROTOCOL = " ".join(f"WHEN '{name}' THEN {code}" for code, name in enumerate(PROTOCOLS[:-1]))
SERVICE = f"dst_port * {len(PROTOCOLS)} + CASE protocol {_PROTOCOL} ELSE {len(PROTOCOLS) - 1} END"
"""Protocol and service port as one integer."""
COLUMNS = {
    SLICE.name: SLICE.name,
    "service": f"CASE WHEN event_type = 'TRAFFIC' THEN {SERVICE} ELSE -1 - ({SERVICE}) END",
    "start_micros": "coalesce(epoch_us(start_ts), 0)",
    "end_micros": "epoch_us(end_ts)",
    "repeat_count": "repeat_count",
    THREAT_SEVERITY.name: f"CAST({words.SEVERITY} AS TINYINT)",
    **{name: f"CAST({column} AS DOUBLE)" for name, column in QUANTILE_SOURCES.items()},
}


@dataclass(frozen=True)
class Roles:
    """How sessions become rows of hosts: the sums of the specification, and the project's networks and prefixes."""

    spec: FeatureSpec
    project: ProjectParameters

    def rows(self, pieces: Iterable[Piece], parts: int) -> Iterator[tuple[int, pa.Table]]:
        """Rows of hosts, with the number of the part, of so many, that has all rows of these hosts.

        They have `host_ip`, `peer_ip`, `is_inbound`, `COLUMNS`, the sums, and the words of their logs.

        Raises:
            SpecError: a sum of the specification cannot be evaluated.
        """
        named = OF_NETWORKS if self.project.networks else ()
        columns = list(dict.fromkeys([*READ, *named, *sorted(columns_named(self.spec))]))
        parts_of = {_part_of(name): f"CAST(hash({name}) % {parts} AS SMALLINT)" for name in ADDRESSES}
        read = (rows for piece in pieces for rows in piece.rows(columns) if len(rows))
        with connection() as asked:
            for some in gathered(read, ROWS_PER_READ):
                sessions = in_networks(some, self.project)
                values = evaluated(asked, sessions, self.spec, COLUMNS | parts_of)
                for name, column in words.word_columns(sessions).items():
                    values = values.append_column(name, column)
                addresses = {name: encoded(sessions[name]) for name in ADDRESSES}
                for role, (host, peer) in enumerate((ADDRESSES, ADDRESSES[::-1])):
                    part = np.where(self._are_internal(addresses[host]), values[_part_of(host)].to_numpy(), -1)
                    of_role = values.drop_columns([*parts_of]).append_column("host_ip", addresses[host])
                    of_role = of_role.append_column("peer_ip", addresses[peer])
                    of_role = of_role.append_column("is_inbound", pa.repeat(pa.scalar(role, pa.int8()), len(values)))
                    for number, rows in by_number(of_role, part):
                        if number >= 0:
                            yield number, rows

    def _are_internal(self, addresses: pa.DictionaryArray) -> Flags:
        found: Flags = are_internal(addresses.dictionary, self.project.internal_cidrs)[np.asarray(addresses.indices)]
        return found


def _part_of(address: str) -> str:
    return f"part of {address}"


def gathered(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The rows of the tables, put together until there are so many, but for the last ones; each table in one chunk.

    What DuckDB evaluates for a table of many small chunks does not line up with its rows.
    """
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(map(len, waiting)) >= rows:
            yield pa.concat_tables(waiting).unify_dictionaries().combine_chunks()
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting).unify_dictionaries().combine_chunks()
