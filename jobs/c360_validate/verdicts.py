"""Whether the content of a file is what its dataset's files are: all of it is read, in bounded memory."""

from __future__ import annotations

import hashlib
import io
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.c360.csv_rows import InvalidFileError
from common.c360.datasets import DATASETS, Dataset
from common.c360.rows import Rows, rows_of
from common.logs.packing import PIECE_BYTES, READ_BYTES, Damage, contents

LONGEST_VALUE = 200
"""Characters of the text of a broken line that a reason repeats."""


@dataclass(frozen=True)
class Verdict:
    """What the content of a file is.

    Attributes:
        sha256: of its bytes, in hex.
        rows: as many as were read.
        bad: those of them that are broken or have no key.
        problem: why the file is invalid; None if it is valid.
    """

    sha256: str
    rows: int
    bad: int
    problem: InvalidFileError | None


def verdict(dataset_name: str, stream: BinaryIO, max_bad_ratio: float) -> Verdict:
    """The verdict on a file of the dataset's folder."""
    hashed = _Hashed(stream)
    count = _Count(max_bad_ratio)
    problem = None
    try:
        if dataset_name not in DATASETS:
            raise InvalidFileError(f"there is no dataset {dataset_name!r}, but {', '.join(DATASETS)}")
        count.read(DATASETS[dataset_name], cast(BinaryIO, hashed))
    except InvalidFileError as error:
        problem = error
    return Verdict(hashed.sha256(), count.rows, count.bad, problem)


class _Count:
    """The rows that were read, and what is bad of them."""

    def __init__(self, max_bad_ratio: float) -> None:
        self.rows = self.bad = 0
        self._next_line = 1
        self._max_bad_ratio = max_bad_ratio
        self._has: Counter[str] = Counter()
        self._first: InvalidFileError | None = None

    def read(self, dataset: Dataset, stream: BinaryIO) -> None:
        """Reads the whole file.

        Raises:
            InvalidFileError: it is no file of the dataset.
        """
        head = stream.read(READ_BYTES)
        if not head:
            raise InvalidFileError("the file is empty")
        for rows in rows_of(dataset, self._undamaged(contents(stream, head))):
            self._add(dataset, rows)
        if self._first and self.bad > self._max_bad_ratio * self.rows:
            first = self._first
            reason = f"{self.bad:,} of {self.rows:,} rows are broken, more than {self._max_bad_ratio:.2%}; the first: "
            raise InvalidFileError(reason + first.reason, first.line, first.column, first.value)
        for column in dataset.required:
            if self.rows and not self._has[column]:
                raise InvalidFileError(f"no row has {column}", column=column)

    def _add(self, dataset: Dataset, rows: Rows) -> None:
        self.rows += rows.read
        self._next_line = rows.next_line
        keyless = 0
        for column, texts in zip(dataset.required, rows.columns(dataset.required), strict=True):
            filled = pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(texts), ""), False)
            self._has[column] += pc.sum(filled).as_py() or 0
            if column == dataset.key and not pc.all(filled, min_count=0).as_py():
                keyless = self._keyless(column, rows, filled)
        self.bad += len(rows.broken) + keyless
        if rows.broken:
            broken = rows.broken[0]
            self._see(InvalidFileError(broken.reason, broken.line, value=broken.text[:LONGEST_VALUE] or None))

    def _keyless(self, column: str, rows: Rows, filled: pa.BooleanArray) -> int:
        missing = np.flatnonzero(~filled.to_numpy(zero_copy_only=False))
        self._see(InvalidFileError(f"no {column}", int(rows.lines[missing[0]]), column))
        return len(missing)

    def _see(self, problem: InvalidFileError) -> None:
        """Keeps the problem of the earliest line."""
        if self._first is None or (problem.line or 0) < (self._first.line or 0):
            self._first = problem

    def _undamaged(self, pieces: Iterator[bytes | Damage]) -> Iterator[bytes]:
        for piece in pieces:
            if isinstance(piece, Damage):
                raise InvalidFileError(piece.reason, self._next_line)
            yield piece


class _Hashed(io.RawIOBase):
    """A stream that hashes what is read from it, each byte once, in whatever order."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self._end = 0

    def sha256(self) -> str:
        """Of all bytes of the stream."""
        self.seek(self._end)
        while self.read(PIECE_BYTES):
            pass
        return self._hash.hexdigest()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        begin = self._stream.tell()
        data = self._stream.read(len(buffer)) or b""
        if begin <= self._end < begin + len(data):
            self._hash.update(memoryview(data)[self._end - begin :])
            self._end = begin + len(data)
        buffer[: len(data)] = data
        return len(data)
