"""The way that the language says and the run of an engine, in one form."""

from __future__ import annotations

from tests.statemachines.machines.runs import Run
from tests.statemachines.machines.walker import NO_ITEMS, Walk

MAPS = ("RunBackfillDeltas", "RunBackfillWindows")
"""States that read their items and call nothing."""


def said(way: Walk) -> dict[str, object]:
    """What a way says of its execution, in the form of a run."""
    own = [name.rpartition("/")[2] for name in way.states]
    calls = {name.rpartition("/")[2]: len(given) for name, given in way.arguments.items()}
    return {
        "states": own,
        "attempts": {name: count for name, count in calls.items() if name not in MAPS},
        "status": way.status,
        "error": way.error,
        "cause": way.cause.partition(NO_ITEMS)[0],
        "children": sorted((said(child) for child in way.children), key=str),
    }


def seen(run: Run, way: Walk) -> dict[str, object]:
    """The same of the run; the cause as far as it is not in words of the engine's own."""
    before, foreign, _ = way.cause.partition(NO_ITEMS)
    children = sorted((seen(child, Walk(cause=child.cause)) for child in run.children), key=str)
    return {
        "states": run.states,
        "attempts": run.attempts,
        "status": run.status,
        "error": run.error,
        "cause": run.cause[: len(before)] if foreign else run.cause,
        "children": children,
    }
