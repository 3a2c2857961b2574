"""Files of model artifacts, on a local disk or in S3."""

from __future__ import annotations

from common.errors import ModelError
from common.storage.files import Folder


class ArtifactStore(Folder):
    """Small files below one URI, each written whole or not at all."""

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            ModelError: it is missing.
            StorageError: it cannot be read.
        """
        if not self.exists(name):
            raise ModelError(f"model file {self.uri}/{name} does not exist", "Train a model with ndr-if-training first")
        return super().read(name)
