"""Rows of hosts divided by host through files, so that all of some hosts are in memory together, and no others."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from common.coded import compacted, encoded
from common.storage.filesystems import subtree
from jobs.delta.kept import Piece
from jobs.delta.roles import Roles
from jobs.delta.words import APP, DOMAIN

TEXTS = ("host_ip", "peer_ip", APP, DOMAIN)
COMPRESSED = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)


@dataclass(frozen=True)
class Division:
    """The work on some pieces of sessions: a file of Arrow streams, each of which has rows of one part."""

    roles: Roles
    parts: int
    folder: str

    def __call__(self, pieces: Sequence[Piece]) -> pa.Table:
        """One row per stream: the file, where the stream begins there, and the number of its part."""
        name, begins, numbers = f"{uuid.uuid4().hex}.arrows", list[int](), list[int]()
        with subtree(self.folder).open_output_stream(name) as file:
            for number, rows in self.roles.rows(pieces, self.parts):
                begins.append(file.tell())
                numbers.append(number)
                for text in TEXTS:
                    place = rows.schema.get_field_index(text)
                    rows = rows.set_column(place, text, compacted(encoded(rows[text])))
                with pa.ipc.new_stream(file, rows.schema, options=COMPRESSED) as stream:
                    stream.write_table(rows)
        columns = {"begin": np.array(begins, np.int64), "part": np.array(numbers, np.int64)}
        return pa.table({"file": pa.repeat(name, len(begins)), **columns})


@dataclass(frozen=True)
class Divided:
    """The rows of the hosts of one part, in these streams of files."""

    folder: str
    streams: pa.Table

    def rows(self) -> list[pa.Table]:
        """All of them, those of a stream together."""
        found, folder = [], subtree(self.folder)
        for stream in self.streams.to_pylist():
            with folder.open_input_file(stream["file"]) as file:
                file.seek(stream["begin"])
                found.append(pa.ipc.open_stream(file).read_all())
        return found
