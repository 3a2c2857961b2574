"""Small files below one URI, on the local disk or in S3; writes are atomic."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from pyarrow import fs

from common.errors import StorageError, first_line
from common.storage.drafts import draft
from common.storage.failures import failure_of
from common.storage.filesystems import normal_uri, s3_filesystem, without_scheme

CHUNK_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Entry:
    """A file: its name relative to the folder, its size in bytes, and its modification time (UTC)."""

    name: str
    size: int
    modified: datetime


class Folder:
    """The files below a normal URI (`common.storage.filesystems.normal_uri`)."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.is_remote = uri.startswith("s3://")
        self._files: fs.FileSystem = s3_filesystem() if self.is_remote else fs.LocalFileSystem()
        self._root = without_scheme(uri)

    def list(self, below: str = "") -> list[Entry]:
        """All files below the folder or the given subfolder, sorted by name; empty if it does not exist.

        Raises:
            StorageError: it cannot be listed.
        """
        selector = fs.FileSelector(f"{self._root}/{below}".rstrip("/"), recursive=True, allow_not_found=True)
        with self._reported(below, "listed"):
            found = self._files.get_file_info(selector)
        start = len(self._root) + 1
        entries = [
            Entry(info.path[start:], int(info.size), datetime.fromtimestamp(info.mtime_ns / 1e9, UTC))
            for info in found
            if info.type == fs.FileType.File
        ]
        return sorted(entries, key=lambda entry: entry.name)

    def require(self) -> None:
        """Checks that the folder, or in S3 its bucket, exists; `list` would silently find nothing.

        Raises:
            StorageError: it does not exist or cannot be looked up.
        """
        place = self._root.partition("/")[0] if self.is_remote else self._root
        with self._reported("", "looked up"):
            if self._files.get_file_info(place).type == fs.FileType.NotFound:
                raise StorageError(
                    f"{f's3://{place}' if self.is_remote else place} does not exist",
                    "Check the name and the permissions",
                )

    def exists(self, name: str) -> bool:
        """Whether the file exists."""
        with self._reported(name, "looked up"):
            return bool(self._files.get_file_info(f"{self._root}/{name}").type == fs.FileType.File)

    def read(self, name: str) -> bytes:
        """The content of the file.

        Raises:
            StorageError: it is missing or cannot be read.
        """
        with (
            self._reported(name, "read"),
            self._files.open_input_stream(f"{self._root}/{name}", compression=None) as stream,
        ):
            return bytes(stream.read())

    def write(self, name: str, content: bytes) -> None:
        """Writes the file atomically: readers see the old content or the new.

        Raises:
            StorageError: it cannot be written.
        """
        self._place(name, io.BytesIO(content))

    def put_file(self, name: str, path: Path) -> None:
        """Writes a copy of a local file, atomically.

        Raises:
            StorageError: it cannot be written.
        """
        with path.open("rb") as content:
            self._place(name, content)

    def delete(self, name: str) -> None:
        """Removes the file.

        Raises:
            StorageError: it does not exist or cannot be removed.
        """
        with self._reported(name, "removed"):
            self._files.delete_file(f"{self._root}/{name}")

    def _place(self, name: str, content: BinaryIO) -> None:
        target = f"{self._root}/{name}"
        with self._reported(name, "written"):
            if self.is_remote:
                self._put(target, content)
                return
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            with draft(Path(target)) as path:
                self._put(str(path), content)

    def _put(self, path: str, content: BinaryIO) -> None:
        with self._files.open_output_stream(path, compression=None) as stream:
            shutil.copyfileobj(content, stream, CHUNK_BYTES)

    @contextmanager
    def _reported(self, name: str, verb: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise StorageError(f"{self.uri}/{name} does not exist", "Check the path") from None
        except OSError as error:
            failure = failure_of(error, self.uri)
            raise StorageError(
                f"{self.uri}/{name} cannot be {verb}: {failure.cause if failure else first_line(error)}",
                failure.remedy if failure else "Check the path or bucket and the permissions",
            ) from error


def read_lines(uri: str) -> list[str]:
    """The non-blank lines of a text file at a path or URI, stripped.

    Raises:
        StorageError: it is missing or cannot be read.
    """
    folder, _, name = normal_uri(uri).rpartition("/")
    text = Folder(folder).read(name).decode("utf-8", "replace")
    return [line.strip() for line in text.splitlines() if line.strip()]
