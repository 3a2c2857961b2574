"""Moving the pointer to the current model: forwards by promotion, back by rollback.

Two that move it at once do so one after the other: each write takes place only if the pointer is still the one that
was read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from common.aws.swap import swapped
from common.detection.registry.decisions import KEEP, PROMOTE, ROLLBACK, Decision, Note, record
from common.detection.registry.formats import encoded
from common.detection.registry.pointer import (
    POINTER,
    ArtifactStore,
    checked_entry,
    manifest_sha256,
    parsed_pointer,
    pointer_content,
    read_pointer,
)
from common.errors import ModelError, StorageError
from common.lake.lake import Lake

KEPT = 10
"""The runs before the current one that the pointer names."""
ATTEMPTS = 20
Pointer = dict[str, Any]
Moved = tuple[Pointer, Decision]


@dataclass(frozen=True)
class Move:
    """What became of the pointer: the current runs before and after, and the decision, which is None for no change."""

    before: str | None
    current: str
    decision: Decision | None

    @property
    def moved(self) -> bool:
        """Whether another run is current now."""
        return self.before != self.current


def promote(store: ArtifactStore, project_name: str, run_id: str, note: Note) -> Move:
    """Makes a complete run the current model of the project; the runs before it are kept.

    For the run that is current already, the decision is to keep it, and the pointer stays.

    Raises:
        ModelError: the run is missing, incomplete or altered, or the pointer is damaged.
    """
    entry = {"run_id": run_id, "manifest_sha256": manifest_sha256(store, run_id)}

    def promoted(pointer: Pointer | None, state: bytes) -> Moved | Move:
        if pointer is None:
            pointer = {"previous": [], "rolled_back": []}
        old = _entry(pointer)
        if old == entry:
            kept = Decision.taken(KEEP, run_id, project_name, (run_id, run_id), note, state)
            return Move(run_id, run_id, kept)
        decision = Decision.taken(PROMOTE, run_id, project_name, (pointer.get("run_id"), run_id), note, state)
        before = [old, *pointer["previous"]] if "run_id" in pointer else pointer["previous"]
        previous = [found for found in before if found["run_id"] != run_id]
        rolled_back = [name for name in pointer["rolled_back"] if name != run_id]
        return _pointer(entry, previous, rolled_back, decision), decision

    return _moved(store, promoted)


def roll_back(
    store: ArtifactStore, project_name: str, note: Note, run_id: str | None = None, to: str | None = None
) -> Move:
    """Makes the run before the current one current again, or the earlier run `to`.

    With `run_id`, only where that run is current: else nothing is changed. All runs that are left count as rolled back.

    Raises:
        ModelError: there is no current run, none before it, or that one is missing or was altered.
    """

    def rolled_back(pointer: Pointer | None, state: bytes) -> Moved | Move:
        if pointer is None:
            raise ModelError(f"there is no current model in {store.uri}", "Train one with ndr-if-training")
        current = str(pointer.get("run_id", ""))
        if run_id is not None and current != run_id:
            return Move(current, current, None)
        place = _place(store, pointer["previous"], current, to)
        entry, older = pointer["previous"][place], pointer["previous"][place + 1 :]
        target = checked_entry(store, entry)
        left = [current, *(found["run_id"] for found in pointer["previous"][:place])]
        more = [name for name in pointer["rolled_back"] if name not in (*left, target)]
        decision = Decision.taken(ROLLBACK, current, project_name, (current, target), note, state)
        return _pointer(entry, older, [*left, *more], decision), decision

    return _moved(store, rolled_back)


def settle(lake: Lake, store: ArtifactStore) -> None:
    """Records the decision that the pointer holds, where the command that took it could not.

    Raises:
        ModelError: the pointer is damaged.
        CommitError: the table cannot be written.
    """
    record(lake, Decision.from_pointer((read_pointer(store) or {}).get("decision")))


def _place(store: ArtifactStore, previous: list[Any], current: str, to: str | None) -> int:
    """The position, among the runs before the current one, of the run to go back to."""
    if not previous:
        raise ModelError(
            f"model {current} in {store.uri} is the first one", "There is no earlier model to roll back to"
        )
    names = [str(entry.get("run_id")) for entry in previous]
    if to is None:
        return 0
    if to not in names:
        raise ModelError(
            f"model {to} was not current before {current} in {store.uri}",
            f"Choose one of {', '.join(names)}, or promote it: ndr-models promote {to}",
        )
    return names.index(to)


def _moved(store: ArtifactStore, change: Callable[[Pointer | None, bytes], Moved | Move]) -> Move:
    """Changes the pointer by what `change` makes of it and of its bytes; again if another one was faster."""
    for _ in range(ATTEMPTS):
        old = pointer_content(store)
        found = change(parsed_pointer(store, old), old or b"")
        if isinstance(found, Move):
            return found
        new, decision = found
        if swapped(store, POINTER, old, encoded(new)):
            return Move(decision.from_run, str(decision.current_run), decision)
    raise StorageError(
        f"{store.uri}/{POINTER} was changed by others {ATTEMPTS} times in a row",
        "Run again when nobody promotes models",
    )


def _pointer(entry: Pointer, previous: list[Any], rolled_back: list[str], decision: Decision) -> Pointer:
    return {
        **entry,
        "previous": previous[:KEPT],
        "rolled_back": rolled_back[:KEPT],
        "decision": decision.to_pointer(),
    }


def _entry(pointer: Pointer) -> Pointer:
    return {name: pointer.get(name) for name in ("run_id", "manifest_sha256")}
