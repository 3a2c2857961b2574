"""The stored pipelines and executions."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from localaws.server.wire import now
from localaws.state.store import INTERRUPTED, Store

_ENDED = ("Succeeded", "Failed", "Stopped")


@dataclass
class StepRecord:
    """A started step."""

    name: str
    job_arn: str
    status: str = "Starting"
    start: float = field(default_factory=now)
    end: float | None = None
    failure_reason: str | None = None


@dataclass
class ExecutionRecord:
    """An execution of a pipeline; `definition` is the key of its definition."""

    arn: str
    pipeline_name: str
    pipeline_arn: str
    definition: str
    parameters: dict[str, Any]
    given: dict[str, str]
    token: str
    display_name: str | None = None
    description: str | None = None
    status: str = "Executing"
    failure_reason: str | None = None
    created: float = field(default_factory=now)
    modified: float = field(default_factory=now)
    steps: list[StepRecord] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether the execution has ended."""
        return self.status in _ENDED


@dataclass
class PipelineRecord:
    """A pipeline in its current form."""

    arn: str
    name: str
    definition: str
    role_arn: str
    display_name: str | None = None
    description: str | None = None
    parallelism: dict[str, Any] | None = None
    created: float = field(default_factory=now)
    modified: float = field(default_factory=now)
    last_run: float | None = None
    tags: dict[str, str] = field(default_factory=dict)


class Records:
    """All pipelines and executions, in memory and in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.lock = threading.RLock()
        self.definitions: dict[str, str] = store.texts("pipeline-definition")
        self.pipelines = {key: PipelineRecord(**item) for key, item in store.documents("pipeline").items()}
        self.executions = {
            key: ExecutionRecord(**{**item, "steps": [StepRecord(**step) for step in item["steps"]]})
            for key, item in store.documents("pipeline-execution").items()
        }
        self.interrupt(self.executions.values())

    def interrupt(self, executions: Iterable[ExecutionRecord]) -> None:
        """Marks executions that ran when the server ended as failed."""
        for execution in executions:
            if execution.ended:
                continue
            for step in execution.steps:
                if step.end is None:
                    step.status, step.end, step.failure_reason = "Failed", now(), INTERRUPTED
            execution.status, execution.failure_reason = "Failed", INTERRUPTED
            self.keep_execution(execution)

    def keep_definition(self, text: str) -> str:
        """Saves a definition; returns its key."""
        key = hashlib.sha256(text.encode()).hexdigest()
        if key not in self.definitions:
            self.definitions[key] = text
            self._store.put_text("pipeline-definition", key, text)
        return key

    def keep_pipeline(self, pipeline: PipelineRecord) -> None:
        """Saves a pipeline."""
        self.pipelines[pipeline.name] = pipeline
        self._store.put("pipeline", pipeline.name, asdict(pipeline))

    def drop_pipeline(self, name: str) -> None:
        """Deletes a pipeline; its executions remain."""
        del self.pipelines[name]
        self._store.delete("pipeline", name)

    def keep_execution(self, execution: ExecutionRecord) -> None:
        """Saves an execution."""
        with self.lock:
            execution.modified = now()
            self.executions[execution.arn] = execution
            self._store.put("pipeline-execution", execution.arn, asdict(execution))
