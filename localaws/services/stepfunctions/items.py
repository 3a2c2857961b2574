"""The items and numeric fields of Map states."""

from __future__ import annotations

from typing import Any

from ministack.services import stepfunctions as sf


def selected(state_def: dict[str, Any], raw_input: Any, ctx: Any, item: Any) -> Any:
    """The input of an iteration: the item, or the result of ItemSelector."""
    if "ItemSelector" not in state_def:
        return item
    return sf._apply_jsonata_template(state_def["ItemSelector"], raw_input, ctx)


def items_of(state_def: dict[str, Any], raw_input: Any, ctx: Any) -> list[Any]:
    """The items of a Map state: an array, or the pairs of an object; by default its input."""
    value = sf._apply_jsonata_template(state_def["Items"], raw_input, ctx) if "Items" in state_def else raw_input
    if isinstance(value, dict):
        return [{"Key": key, "Value": item} for key, item in value.items()]
    if not isinstance(value, list):
        raise sf._ExecutionError(
            "States.QueryEvaluationError",
            f"The items of a Map state must be an array or an object, not {sf._json_type(value)}",
        )
    return value


def number(state_def: dict[str, Any], field: str, raw_input: Any, ctx: Any) -> int:
    """A numeric field, given as number or expression; 0 if missing."""
    if field not in state_def:
        return 0
    return int(sf._jsonata_state_field(state_def, field, "number", raw_input, ctx))
