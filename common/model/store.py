"""Files of model artifacts, on a local disk or in S3."""

from __future__ import annotations

import os
from pathlib import Path

from pyarrow import fs

from common.errors import ModelError
from common.storage import s3_filesystem


class ArtifactStore:
    """Small files below one URI, each written whole or not at all."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._remote = uri.startswith("s3://")
        self._files = s3_filesystem() if self._remote else fs.LocalFileSystem()
        self._root = uri.removeprefix("s3://")

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        try:
            return bool(self._files.get_file_info(self._path(name)).type == fs.FileType.File)
        except OSError as error:
            raise self._failed("looked up", name, error) from error

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            ModelError: it is missing or cannot be read.
        """
        try:
            with self._files.open_input_stream(self._path(name)) as stream:
                return bytes(stream.read())
        except FileNotFoundError:
            raise ModelError(
                f"model file {self.uri}/{name} does not exist", "Train a model with ndr-if-training first"
            ) from None
        except OSError as error:
            raise self._failed("read", name, error) from error

    def write(self, name: str, content: bytes) -> None:
        """Writes or replaces a file at once: a reader sees the old content or the new one.

        Raises:
            ModelError: it cannot be written.
        """
        target = self._path(name)
        try:
            if self._remote:
                self._put(target, content)
                return
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            draft = f"{target}.{os.getpid()}.tmp"
            self._put(draft, content)
            self._files.move(draft, target)
        except OSError as error:
            raise self._failed("written", name, error) from error

    def _put(self, path: str, content: bytes) -> None:
        with self._files.open_output_stream(path) as stream:
            stream.write(content)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _failed(self, verb: str, name: str, error: OSError) -> ModelError:
        return ModelError(
            f"model file {self.uri}/{name} cannot be {verb}: {str(error).splitlines()[0]}",
            "Check the path and permissions",
        )
