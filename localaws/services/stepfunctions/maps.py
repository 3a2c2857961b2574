"""Map states whose iterations run in the same execution; `distributed` has the others."""

from __future__ import annotations

from typing import Any

from ministack.services import stepfunctions as sf

from localaws.services.stepfunctions import distributed
from localaws.services.stepfunctions.branches import Work, outcome, run_all
from localaws.services.stepfunctions.items import items_of, number, selected
from localaws.services.stepfunctions.variables import inner_context

_MOST_AT_ONCE = 40

_original_map = sf._run_map_items


def run_map_items(state_def: dict[str, Any], raw_input: Any, execution: Any, ctx: Any) -> Any:
    """Runs a Map state, with a history and its own variables for each iteration."""
    if sf._state_query_language(state_def, ctx) != "JSONata":
        return _original_map(state_def, raw_input, execution, ctx)
    processor = state_def.get("ItemProcessor") or {}
    if (processor.get("ProcessorConfig") or {}).get("Mode") == "DISTRIBUTED":
        return distributed.run(state_def, raw_input, execution, ctx)
    items = items_of(state_def, raw_input, ctx)
    name = ctx["State"]["Name"]

    def iteration(index: int, item: Any) -> Work:
        return lambda: _iterate(state_def, processor, raw_input, execution, ctx, name, index, item)

    sf._add_event(execution, "MapStateStarted", {"mapStateStartedEventDetails": {"length": len(items)}})
    work = [iteration(index, item) for index, item in enumerate(items)]
    results = run_all(work, number(state_def, "MaxConcurrency", raw_input, ctx) or _MOST_AT_ONCE)
    sf._add_event(execution, "MapStateSucceeded")
    return outcome(state_def, raw_input, ctx, results)


def _iterate(
    state_def: dict[str, Any],
    processor: dict[str, Any],
    raw_input: Any,
    execution: Any,
    ctx: Any,
    name: str,
    index: int,
    item: Any,
) -> Any:
    place = {"name": name, "index": index}
    sf._add_event(execution, "MapIterationStarted", {"mapIterationStartedEventDetails": place})
    inner = inner_context(ctx, Map={"Item": {"Index": index, "Value": item}})
    try:
        given = selected(state_def, raw_input, inner, item)
        output = sf._run_sub_machine(processor["States"], processor["StartAt"], given, execution, inner)
    except sf._ExecutionError:
        sf._add_event(execution, "MapIterationFailed", {"mapIterationFailedEventDetails": place})
        raise
    sf._add_event(execution, "MapIterationSucceeded", {"mapIterationSucceededEventDetails": place})
    return output
