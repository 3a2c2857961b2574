"""Models of a project that nobody needs any more."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from common.detection.registry.pointer import SUCCESS, ArtifactStore, model_store, promoted_entries
from common.lake.lake import Lake

SCORED = "predictions"


@dataclass(frozen=True)
class Run:
    """The folder of a model: its files, their size, and when it was last written."""

    run_id: str
    files: tuple[str, ...]
    bytes: int
    written: datetime


def unneeded(lake: Lake, project_name: str, days: int, now: datetime) -> list[Run]:
    """The runs that were last written more than so many days ago, without those that anybody may still ask for.

    These are the current run, those that it can be rolled back to, and those that made the predictions that are there.

    Raises:
        ModelError: the pointer to the current run is damaged.
        TableError: the predictions cannot be read.
    """
    store = model_store(lake.uri, project_name)
    old = [run for run in _runs(store) if run.written < now - timedelta(days=days)]
    if not old:
        return []
    needed = _named(store)
    if lake.exists(SCORED):
        needed |= set(lake.arrow(SCORED, ["model_id"])["model_id"].unique().to_pylist())
    return [run for run in old if run.run_id not in needed]


def remove(lake: Lake, project_name: str, runs: list[Run]) -> list[Run]:
    """Removes the runs, unless one has become current meanwhile; each counts as incomplete from its first file on."""
    store, done = model_store(lake.uri, project_name), []
    for run in runs:
        if run.run_id not in _named(store):
            for name in sorted(run.files, key=lambda name: not name.endswith(f"/{SUCCESS}")):
                store.delete(name)
            done.append(run)
    return done


def _named(store: ArtifactStore) -> set[str]:
    """The runs that the pointer names."""
    return {str(entry["run_id"]) for entry in promoted_entries(store)}


def _runs(store: ArtifactStore) -> list[Run]:
    files = defaultdict(list)
    for entry in store.list():
        run_id, separator, _ = entry.name.partition("/")
        if separator:
            files[run_id].append(entry)
    return [
        Run(
            run_id,
            tuple(entry.name for entry in found),
            sum(entry.size for entry in found),
            max((entry.modified for entry in found), default=datetime.now(UTC)),
        )
        for run_id, found in sorted(files.items())
    ]
