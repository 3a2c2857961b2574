"""Host and pair slices: sessions divided by host into parts, each of which makes files of both tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake.transaction import AddAction

from common.addresses import Segments
from common.lake.reader import LakeReader
from common.lake.table_files import as_rows, from_rows
from common.lake.window_files import WindowFiles
from common.runtime.context import StageRun
from common.runtime.parts import each_part
from common.storage.scratch import scratch_of_parts
from common.windows import Windows
from jobs.delta.division import Divided, Division
from jobs.delta.grouping import HostSessions
from jobs.delta.hosts import ROLES, host_slices
from jobs.delta.kept import Kept, Piece
from jobs.delta.pairs import pair_slices
from jobs.delta.roles import Roles

TABLES = ("delta_pair", "delta_host")
ROWS_PER_PART = 2_000_000
"""Of hosts, which a part has in memory."""
ROWS_PER_DIVISION = 2_000_000
"""Of sessions, which a part of the division reads one after the other."""


class Source(Protocol):
    """Where a part has its rows from."""

    def rows(self) -> list[pa.Table]:
        """All rows of some hosts."""
        ...


@dataclass(frozen=True)
class Undivided:
    """The rows of all hosts, made of the sessions themselves."""

    roles: Roles
    pieces: tuple[Piece, ...]

    def rows(self) -> list[pa.Table]:
        """All of them."""
        return [rows for _, rows in self.roles.rows(self.pieces, 1)]


def slice_files(kept: Kept, rows: int, stage: StageRun, windows: Windows) -> dict[str, list[AddAction]]:
    """The files of the windows that the parts have written for each table.

    Args:
        kept: the sessions that count.
        rows: how many they are.
        stage: the lake, the feature specification, and the networks, internal addresses and segments.
        windows: the windows that slice numbers refer to.

    Raises:
        SpecError: a sum of the specification cannot be evaluated.
    """
    roles, made = Roles(stage.spec, stage.project), {name: list[AddAction]() for name in TABLES}
    for name in TABLES:
        stage.lake.ensure(name)
    try:
        with sources(kept, rows, roles, stage) as parts:
            for files in each_part(stage.engine, Slices(stage.lake.uri, roles, windows), parts):
                for name in TABLES:
                    made[name] += from_rows(files.filter(pc.equal(files["table"], name)))
    except BaseException:
        for name, actions in made.items():
            stage.lake.discard(name, actions)
        raise
    return made


@contextmanager
def sources(kept: Kept, rows: int, roles: Roles, stage: StageRun) -> Iterator[Sequence[Source]]:
    """The parts that the sessions are divided into by host; one if they are few, which needs no files.

    Each session is read once.
    """
    pieces = tuple(kept.pieces())
    parts = -(-len(ROLES) * rows // ROWS_PER_PART)
    if parts <= 1:
        yield [Undivided(roles, pieces)]
        return
    with scratch_of_parts(stage.lake.uri, stage.engine.is_cluster) as folder:
        tasks = min(len(pieces), -(-rows // ROWS_PER_DIVISION))
        bounds = np.linspace(0, len(pieces), tasks + 1).astype(int).tolist()
        given = [pieces[begin:end] for begin, end in pairwise(bounds)]
        streams = pa.concat_tables(each_part(stage.engine, Division(roles, parts, folder), given))
        yield [Divided(folder, streams.filter(pc.equal(streams["part"], number))) for number in range(parts)]


@dataclass(frozen=True)
class Slices:
    """The work on a part: the slices of some hosts, in files of both tables."""

    lake_uri: str
    roles: Roles
    windows: Windows

    def __call__(self, part: Source) -> pa.Table:
        """The files, with the table of each; none if no host of the part has a session."""
        spec, segments = self.roles.spec, Segments(self.roles.project.segments)
        written = [as_rows([]).append_column("table", pa.array([], pa.string()))]
        if rows := part.rows():
            sessions = HostSessions(pa.concat_tables(rows), spec, segments)
            lake = LakeReader(self.lake_uri, spec)
            for name, found in (
                ("delta_pair", pair_slices(sessions, self.windows)),
                ("delta_host", host_slices(sessions, spec, self.windows)),
            ):
                files = WindowFiles(lake.location(name), lake.table(name), self.windows)
                files.add(found, found["slice"])
                files.flush()
                made = as_rows(files.actions)
                written.append(made.append_column("table", pa.array([name] * len(made), pa.string())))
        return pa.concat_tables(written)
