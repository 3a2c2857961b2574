"""What roles are asked for, noted in a file: each action on each resource once per role, permitted or not."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator

from localaws.authorization.simulation import SESSION
from localaws.server.patching import replace

_ROLE = ":assumed-role/"
_original = iam_evaluator.evaluate


def install(path: Path | None) -> None:
    """Notes what roles are asked for from now on; nothing without a path."""
    if path:
        replace(iam_evaluator, "evaluate", _Asked(path).evaluate)


class _Asked:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: set[tuple[str, str, str]] = set()
        self._lock = threading.Lock()

    def evaluate(self, ctx: Any, policies: Any, *limits: Any) -> Any:
        """The decision, of which a line says what was asked of whom."""
        _, is_role, session = ctx.principal_arn.partition(_ROLE)
        role, _, name = session.partition("/")
        if is_role and name != SESSION:
            self._note(role, ctx.action, ctx.resource_arn)
        return _original(ctx, policies, *limits)

    def _note(self, *asked: str) -> None:
        role, action, resource = asked
        with self._lock:
            if (role, action, resource) not in self._known:
                self._known.add((role, action, resource))
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"role": role, "action": action, "resource": resource}) + "\n")
