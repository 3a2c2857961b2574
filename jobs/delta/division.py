"""Rows of hosts divided by host through files, so that all of some hosts are in memory together, and no others."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from common.coded import compacted, encoded
from common.storage.filesystems import subtree
from jobs.delta.kept import Piece
from jobs.delta.roles import Roles

TEXTS = ("host_ip", "peer_ip")


@dataclass(frozen=True)
class Division:
    """The work on some pieces of sessions: a file of their rows of hosts, each row group of which is of one part."""

    roles: Roles
    parts: int
    folder: str

    def __call__(self, pieces: Sequence[Piece]) -> pa.Table:
        """The file and the number of each row group, and the part that it is of."""
        name, numbers = f"{uuid.uuid4().hex}.parquet", []
        with ExitStack() as opened:
            file = None
            for number, rows in self.roles.rows(pieces, self.parts):
                for text in TEXTS:
                    place = rows.schema.get_field_index(text)
                    rows = rows.set_column(place, text, compacted(encoded(rows[text])))
                file = file or opened.enter_context(
                    pq.ParquetWriter(
                        name,
                        rows.schema,
                        filesystem=subtree(self.folder),
                        compression="lz4",
                        use_dictionary=list(TEXTS),
                        write_statistics=False,
                        store_schema=False,
                    )
                )
                file.write_table(rows, len(rows))
                numbers.append(number)
        groups = np.arange(len(numbers))
        return pa.table({"file": pa.repeat(name, len(numbers)), "group": groups, "part": pa.array(numbers, pa.int64())})


@dataclass(frozen=True)
class Divided:
    """The rows of the hosts of one part, in row groups of files."""

    folder: str
    groups: pa.Table

    def rows(self) -> list[pa.Table]:
        """All of them, those of a file together."""
        files = subtree(self.folder)
        groups = self.groups.group_by("file").aggregate([("group", "list")])
        return [
            pq.ParquetFile(name, filesystem=files, read_dictionary=list(TEXTS)).read_row_groups(numbers)
            for name, numbers in zip(*(column.to_pylist() for column in groups.columns), strict=True)
        ]
