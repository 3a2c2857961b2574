"""Variables: assigned at once, scoped to their branch, and limited in size as in AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack.services import stepfunctions as sf

MAX_BYTES = 262_144
MAX_TOTAL_BYTES = 10 * 1024 * 1024


def limit(value: Any, state: str, most: int = MAX_BYTES) -> None:
    """Raises States.DataLimitExceeded if a value of a state exceeds AWS's limit."""
    size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
    if size > most:
        raise sf._ExecutionError(
            "States.DataLimitExceeded",
            f"The state/task '{state}' returned a result with a size exceeding the maximum number of bytes service "
            f"limit. It has {size} bytes, more than {most}.",
        )


def apply_state_assign(
    state_def: Mapping[str, Any], raw_input: Any, ctx: Any, result: Any = None, error_output: Any = None
) -> None:
    """Assigns a state's variables; every expression sees the old values, unlike in ministack."""
    assign = state_def.get("Assign")
    if ctx is None or not isinstance(assign, dict) or sf._state_query_language(state_def, ctx) != "JSONata":
        return
    values = {
        name: sf._apply_jsonata_template(template, raw_input, ctx, result=result, error_output=error_output)
        for name, template in assign.items()
    }
    limit(values, ctx["State"]["Name"])
    ctx["variables"].update(values)
    limit(ctx["variables"], ctx["State"]["Name"], MAX_TOTAL_BYTES)


def inner_context(ctx: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    """The context of a branch or iteration: it reads outer variables, and its assignments stay local."""
    return {**ctx, **members, "variables": dict(ctx["variables"])}
