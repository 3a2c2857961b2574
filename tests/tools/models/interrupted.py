"""Stores of models that something happens to in the midst of the work of a command."""

from __future__ import annotations

from common.detection.registry.pointer import JSON_MOST, ArtifactStore
from tools.models.job import complete_runs
from tools.models.migration import migrate_models


class Killed(ArtifactStore):
    """A store whose writes and removals end after some."""

    def __init__(self, uri: str, changes: int) -> None:
        super().__init__(uri)
        self.left = changes

    def write(self, name: str, content: bytes) -> None:
        """Writes, as long as changes are left."""
        self._count()
        super().write(name, content)

    def delete(self, name: str) -> None:
        """Removes, as long as changes are left."""
        self._count()
        super().delete(name)

    def _count(self) -> None:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1


class Migrating(ArtifactStore):
    """A store whose model is migrated as a whole right after some reads of it."""

    def __init__(self, uri: str, reads: int) -> None:
        super().__init__(uri)
        self.left = reads

    def read(self, name: str, most: int = JSON_MOST) -> bytes:
        """Reads, and migrates after the last of the reads."""
        content = super().read(name, most)
        self.left -= 1
        if not self.left:
            other = ArtifactStore(self.uri)
            assert migrate_models(other, complete_runs(other)).refused == {}
        return content
