"""Decisions that people take: to promote a model, or to go back to an earlier one."""

from __future__ import annotations

from typing import Any

from common.detection.registry import promotion
from common.detection.registry.decisions import KEEP, PROMOTE, ROLLBACK, Note, gate_verdicts, record
from common.detection.registry.promotion import Move, settle
from common.errors import ModelError
from tools.models.project import Document, Project


def promote(project: Project, run_id: str, note: Note, despite_gates: bool, dry_run: bool) -> Document:
    """The decision that the run is the current model from now on; with `dry_run`, nothing is changed.

    Raises:
        ModelError: it is incomplete, altered, or does not load here, or the gates refuse it.
    """
    project.load(run_id)
    gates = _gates(project, run_id)
    if run_id not in project.promoted and not despite_gates:
        _require_gates(run_id, gates)
    if dry_run:
        action = KEEP if run_id == project.pointer["run_id"] else PROMOTE
        return _document(action, run_id, project.pointer["run_id"], run_id, note) | {"dry_run": True}
    settle(project.lake, project.store)
    with_gates = Note(note.by, note.reason, note.execution, gates)
    move = promotion.promote(project.store, project.name, run_id, with_gates)
    return _recorded(project, move, note)


def roll_back(project: Project, to: str | None, note: Note, dry_run: bool) -> Document:
    """The decision that an earlier run is current again: `to`, or the one before the current one.

    Raises:
        ModelError: there is none, it does not load here, or another command has just changed the current model.
    """
    current = project.run("current")
    target = to or next(iter(project.promoted[1:]), None)
    if target is not None:
        project.load(target)
    if dry_run and target in project.promoted[1:]:
        return _document(ROLLBACK, current, current, target, note) | {"dry_run": True}
    settle(project.lake, project.store)
    move = promotion.roll_back(project.store, project.name, note, current, target)
    if move.decision is None:
        raise ModelError(
            f"model {move.current} became current in {project.store.uri} meanwhile", "Look again: ndr-models list"
        )
    return _recorded(project, move, note)


def _recorded(project: Project, move: Move, note: Note) -> Document:
    assert move.decision is not None
    record(project.lake, move.decision)
    decision = move.decision
    return _document(decision.action, decision.run_id, decision.from_run, move.current, note) | {
        "decision_id": decision.decision_id,
        "decided_ts": decision.decided_ts,
    }


def _document(action: str, run_id: str, before: Any, current: Any, note: Note) -> Document:
    return {
        "action": action,
        "run_id": run_id,
        "from_run": before,
        "current_run": current,
        "decided_by": note.by,
        "reason": note.reason,
    }


def _gates(project: Project, run_id: str) -> dict[str, Document]:
    """The verdicts of the gates as deployment left them, or as the last decision that had some recorded them."""
    recorded = (gate_verdicts(entry) for entry in reversed(project.decisions) if entry.run_id == run_id)
    return project.gates(run_id) or next((gates for gates in recorded if gates), {})


def _require_gates(run_id: str, gates: dict[str, Document]) -> None:
    if not gates:
        raise ModelError(
            f"no gate was applied to model {run_id}",
            "Run ndr-if-training --stage deploy, or add --despite-gates to promote it all the same",
        )
    refused = [name for name, gate in gates.items() if gate["verdict"] == "refused"]
    if refused:
        said = "; ".join(f"{name} is {gates[name]['value']:.4g}, wanted {gates[name]['bound']}" for name in refused)
        raise ModelError(
            f"model {run_id} is refused by its gates: {said}", "Add --despite-gates to promote it all the same"
        )
