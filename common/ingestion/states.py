"""The states of files and manifests, and which follows which."""

from __future__ import annotations

from enum import StrEnum


class FileState(StrEnum):
    """Where a file is; a claimed one stays pending until its manifest is written."""

    PENDING = "pending"
    MANIFESTED = "manifested"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    QUARANTINED = "quarantined"


class ManifestState(StrEnum):
    """How far a manifest is.

    `claiming`: its files are being claimed; `releasing`: one of them is another's, so the rest are given back and the
    record goes; `claimed`: all are its own; `manifested`: its document is written, and its execution is to be started.
    """

    CLAIMING = "claiming"
    RELEASING = "releasing"
    CLAIMED = "claimed"
    MANIFESTED = "manifested"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens to the manifest by itself."""
        return self in (ManifestState.COMPLETED, ManifestState.FAILED)


FILE_STEPS: dict[FileState, frozenset[FileState]] = {
    FileState.PENDING: frozenset({FileState.MANIFESTED}),
    FileState.MANIFESTED: frozenset({FileState.PROCESSING, FileState.FAILED}),
    FileState.PROCESSING: frozenset({FileState.COMPLETED, FileState.FAILED, FileState.MANIFESTED}),
    FileState.COMPLETED: frozenset(),
    FileState.FAILED: frozenset({FileState.MANIFESTED}),
    FileState.QUARANTINED: frozenset({FileState.PENDING}),
}
"""The states that may follow each: `failed` is taken up again by a reprocessing, `quarantined` by a release."""

MANIFEST_STEPS: dict[ManifestState, frozenset[ManifestState]] = {
    ManifestState.CLAIMING: frozenset({ManifestState.CLAIMED, ManifestState.RELEASING}),
    ManifestState.RELEASING: frozenset(),
    ManifestState.CLAIMED: frozenset({ManifestState.MANIFESTED}),
    ManifestState.MANIFESTED: frozenset({ManifestState.PROCESSING, ManifestState.FAILED}),
    ManifestState.PROCESSING: frozenset({ManifestState.COMPLETED, ManifestState.FAILED, ManifestState.MANIFESTED}),
    ManifestState.COMPLETED: frozenset(),
    ManifestState.FAILED: frozenset({ManifestState.MANIFESTED}),
}
"""The states that may follow each; a busy job puts `processing` back to `manifested`, with the next attempt."""


def files_before(state: FileState) -> tuple[FileState, ...]:
    """The states from which a file may come to this one."""
    return tuple(earlier for earlier, later in FILE_STEPS.items() if state in later)
