"""Decisions about which model scores: who took them, when and why, in the table `model_decisions`.

The pointer to the current model holds the decision that moved it last, so both change in one write. Its row in the
table follows; whoever looks at the models next writes it where a killed command did not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from common.detection.registry.formats import encoded, sha256
from common.errors import ModelError, one_line
from common.lake.lake import Lake
from common.lake.reader import LakeReader
from common.windows import parse_moment

TABLE = "model_decisions"
PROMOTE, KEEP, REFUSE, ROLLBACK = "promote", "keep", "refuse", "rollback"
ID_DIGITS = 16


@dataclass(frozen=True)
class Note:
    """Who decides and why, in one sentence; the execution of a machine; the verdicts of gates by name."""

    by: str
    reason: str
    execution: str | None = None
    gates: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", one_line(self.reason))


@dataclass(frozen=True)
class Decision:
    """A row of `model_decisions`."""

    decision_id: str
    decided_ts: datetime
    project_name: str
    run_id: str
    action: str
    decided_by: str
    reason: str
    from_run: str | None
    current_run: str | None
    execution: str | None
    gates: str

    @classmethod
    def taken(
        cls, action: str, run_id: str, project_name: str, runs: tuple[str | None, str | None], note: Note, state: bytes
    ) -> Decision:
        """The decision that is taken now; `runs` are the current ones before and after, `state` the pointer before.

        The same decision in the same state has the same id.
        """
        subject = {"action": action, "run_id": run_id, "project_name": project_name, "state": sha256(state)}
        return cls(
            f"decision-{sha256(encoded(subject))[:ID_DIGITS]}",
            datetime.now(UTC),
            project_name,
            run_id,
            action,
            note.by,
            note.reason,
            *runs,
            note.execution,
            encoded(dict(note.gates)).decode(),
        )

    @classmethod
    def from_pointer(cls, raw: Any) -> Decision | None:
        """The decision that a pointer holds; None in pointers of earlier releases.

        Raises:
            ModelError: it is damaged.
        """
        if raw is None:
            return None
        try:
            return cls(**raw | {"decided_ts": parse_moment(raw["decided_ts"])})
        except (TypeError, KeyError) as error:
            raise ModelError(
                "the decision in the pointer to the current model is damaged", "Promote a model again"
            ) from error

    def to_pointer(self) -> dict[str, Any]:
        """The decision as JSON values."""
        return asdict(self) | {"decided_ts": self.decided_ts.isoformat()}

    @property
    def made_current(self) -> str | None:
        """The run that became current by it; None for a decision that changed nothing."""
        return self.current_run if self.current_run != self.from_run else None

    @property
    def date(self) -> str:
        """The UTC date of the decision."""
        return f"{self.decided_ts:%Y-%m-%d}"


def decisions(lake: LakeReader, project_name: str) -> list[Decision]:
    """The decisions about the models of a project, in order of time; empty where none was recorded."""
    if not lake.exists(TABLE):
        return []
    rows = lake.arrow(TABLE).drop_columns("date").to_pylist()
    found = [Decision(**row) for row in rows if row["project_name"] == project_name]
    return sorted(found, key=lambda entry: (entry.decided_ts, entry.decision_id))


def record(lake: Lake, decision: Decision | None) -> bool:
    """Writes a decision to the table, unless it is there; whether it was written.

    Raises:
        CommitError: the table cannot be written.
    """
    if decision is None or (lake.exists(TABLE) and decision.decision_id in _ids(lake.arrow(TABLE, ["decision_id"]))):
        return False
    schema = lake.table(TABLE).arrow
    row = pa.Table.from_pylist([asdict(decision) | {"date": decision.date}], schema=schema)

    def added(before: pa.Table) -> pa.Table:
        if decision.decision_id in _ids(before):
            return before
        return pa.concat_tables([before.select(schema.names).cast(schema), row])

    lake.rewrite(TABLE, {"date": [decision.date]}, added)
    return True


def gate_verdicts(decision: Decision) -> dict[str, dict[str, Any]]:
    """Value, bound and verdict of each gate by its name; empty where none was applied."""
    found: dict[str, dict[str, Any]] = json.loads(decision.gates)
    return found


def _ids(rows: pa.Table) -> set[str]:
    return set(rows["decision_id"].to_pylist())
