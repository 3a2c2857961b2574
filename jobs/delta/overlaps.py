"""Internal addresses that several devices log at once, which may be several hosts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from common.addresses import are_internal
from common.coded import encoded
from common.config.project import ProjectParameters
from common.logs.records import TRAFFIC
from jobs.delta.kept import WITH_SLICE, Kept, rows_of
from jobs.delta.sql import answer, reader
from jobs.delta.staging import SLICE

EXAMPLES = 5
SESSION = ("src_ip", "src_port", "dst_ip", "dst_port", "protocol", "start_ts")
OF_SESSIONS = [SLICE.name, "device_serial", "end_ts", *SESSION]
AT_ONCE = f"""
    SELECT {SLICE.name}, src_ip
    FROM (
        SELECT {SLICE.name}, src_ip, device_serial, min(start_ts) AS first, max(end_ts) AS last
        FROM sessions
        GROUP BY ALL
    )
    GROUP BY ALL
    HAVING count(*) > 1 AND max(first) < min(last)
"""
"""The windows and addresses for which the sessions of several devices overlap in time."""
OF_ONE_DEVICE = f"""
    SELECT {SLICE.name}, {", ".join(SESSION)}, min(device_serial) AS device_serial, max(end_ts) AS end_ts
    FROM sessions_of_all SEMI JOIN suspects USING ({SLICE.name}, src_ip)
    GROUP BY {SLICE.name}, {", ".join(SESSION)}
    HAVING min(device_serial) = max(device_serial)
"""
"""Of the suspects; a session that several devices log has passed them, or they are a cluster."""


def overlapping(kept: Kept, project: ProjectParameters, folder: Path) -> tuple[int, list[str]]:
    """How many internal addresses are active on several devices at once, in one window, and the first of them.

    A session that several devices log, because it passes them or because they are a cluster, is no sign of that. The
    folder is for temporary files.
    """
    if not _has_several_devices(kept):
        return 0, []

    def inside() -> pa.RecordBatchReader:
        schema = pa.schema([WITH_SLICE.field(name) for name in OF_SESSIONS])
        return reader(schema, _of_internal(kept, project.internal_cidrs))

    suspects = answer(AT_ONCE, folder, sessions=inside())
    if not len(suspects):
        return 0, []
    query = f"WITH sessions AS ({OF_ONE_DEVICE}) SELECT DISTINCT src_ip FROM ({AT_ONCE})"
    found = sorted(answer(query, folder, sessions_of_all=inside(), suspects=suspects)["src_ip"].to_pylist())
    return len(found), found[:EXAMPLES]


def _has_several_devices(kept: Kept) -> bool:
    devices: set[str] = set()
    for rows in rows_of(kept, ["event_type", "device_serial"]):
        devices.update(pc.unique(rows["device_serial"].filter(_is_known(rows))).to_pylist())
        if len(devices) > 1:
            return True
    return False


def _of_internal(kept: Kept, internal_cidrs: tuple[str, ...]) -> Iterator[pa.Table]:
    """The sessions of internal addresses whose device is known."""
    for rows in rows_of(kept, [*OF_SESSIONS, "event_type"]):
        sources = encoded(rows["src_ip"])
        inside = are_internal(sources.dictionary, internal_cidrs)[sources.indices.to_numpy()]
        yield rows.filter(pc.and_(_is_known(rows), pa.array(inside))).select(OF_SESSIONS)


def _is_known(rows: pa.Table) -> pa.ChunkedArray:
    """Whether each record is of a session, and names its device."""
    return pc.and_(pc.equal(rows["event_type"], TRAFFIC), rows["device_serial"].is_valid())
