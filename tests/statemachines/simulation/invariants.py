"""What must hold when all executions and pipelines of a schedule have ended."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import combinations

from tests.statemachines.machines.samples import LIVE
from tests.statemachines.simulation.jobs import FEATURES, NONE, SCORES, Content
from tests.statemachines.simulation.pipelines import PipelineRun
from tests.statemachines.simulation.scenarios import Batch
from tests.statemachines.simulation.stepper import RUNNING, Execution
from tests.statemachines.simulation.values import Val
from tests.statemachines.simulation.world import World, said, short, shown

DUPLICATE = "DUPLICATE"


def contents(world: World, window: str, tables: Iterable[str]) -> list[Content]:
    """What these tables hold of a window."""
    return [world.lake.get((f"{window}:00Z", table), NONE) for table in tables]


def is_in(world: World, batch: Batch, tables: Sequence[str] = FEATURES + SCORES) -> bool:
    """Whether the tables of its window hold the batch."""
    return all(batch.path in content.batches for content in contents(world, batch.window, tables))


def entries(world: World, batch: Batch) -> list[Val]:
    """The entries of the index about the batch."""
    return [
        item
        for item in world.tables["batch_index"].values()
        if item.value.get("batch_s3_path", {}).get("S") == batch.path
    ]


def is_set_aside(world: World, batch: Batch) -> bool:
    """Whether the index says that the batch was set aside, and why."""
    return any(
        any(name in ("set_aside", "failure") and held.get("S") for name, held in item.value.items())
        for item in entries(world, batch)
    )


def of_batch(world: World, batch: Batch) -> list[Execution]:
    """The executions of the batch's events."""
    return [
        one
        for one in world.executions.values()
        if one.machine.name == LIVE and one.message.value["batch_s3_path"] == f"{batch.path}/"
    ]


def check_claims(world: World, batches: Sequence[Batch]) -> None:
    """No execution says that a batch is done, or somebody else's, if it is not; and publications hold what they say."""
    for batch in batches:
        made = of_batch(world, batch)
        if is_in(world, batch) or is_set_aside(world, batch) or not made:
            continue
        claims = [one for one in made if one.status == "SUCCEEDED" and said(one) != DUPLICATE]
        for one in claims:
            world.blame(
                f"{short(one.arn)} said {said(one)}, but {shown([batch.path])} is not in the tables of its window"
            )
        if not claims and all(said(one) == DUPLICATE for one in made):
            world.blame(f"all executions of {shown([batch.path])} said it is a duplicate, but it is not in the tables")
    for window in sorted({batch.window for batch in batches}):
        _check_window(world, window, [batch for batch in batches if batch.window == window])


def _check_window(world: World, window: str, batches: Sequence[Batch]) -> None:
    for table, content in zip(FEATURES + SCORES, contents(world, window, FEATURES + SCORES), strict=True):
        foreign = content.batches - {batch.path for batch in batches}
        if foreign:
            world.blame(f"{table} of window {window} holds {shown(foreign)} of another window")
    last = _last_run(world, f"{window}:00Z")
    if last and last.status == "Succeeded" and _says_done(world.executions[last.owner]):
        origins = frozenset().union(*[content.origins for content in contents(world, window, FEATURES)])
        if len(origins) > 1:
            world.blame(f"window {window} is done, but its features come from {len(origins)} runs: {sorted(origins)}")
    _check_publication(world, window, batches)


def _last_run(world: World, window: str) -> PipelineRun | None:
    """The pipeline that wrote the window last; none if it only rebuilt the deltas, whose features are still to come."""
    if window not in world.commits:
        return None
    arn, _ = world.commits[window][-1]
    run = world.pipelines[arn]
    return None if run.pipeline == "ndr-delta-builder" else run


def _says_done(execution: Execution) -> bool:
    if execution.status != "SUCCEEDED" or execution.output is None:
        return False
    return bool(execution.output.value.get("outcome", "done") == "done")


def _check_publication(world: World, window: str, batches: Sequence[Batch]) -> None:
    """The latest publication that succeeded is what the tables of scores hold, unless a later one failed in between."""
    ended = [
        item.value
        for item in world.tables["publication_lock"].values()
        if f"#{window}:00Z#" in item.value["publication_id"]["S"] and "finished_at" in item.value
    ]
    latest = max(ended, key=lambda item: _tick(world, f"{window}:00Z", item["owner"]["S"]), default=None)
    if latest is None or latest["status"]["S"] != "SUCCEEDED" or _newer_failure(world, window, latest):
        return
    held = contents(world, window, SCORES)
    said_to_hold = _batches_of(latest["publication_id"]["S"].rpartition("#")[2], batches)
    for table, content in zip(SCORES, held, strict=True):
        if said_to_hold is not None and content.batches != said_to_hold:
            held_now = shown(content.batches)
            world.blame(f"the publication of window {window} is of {shown(said_to_hold)}, but {table} holds {held_now}")


def _tick(world: World, window: str, owner: str) -> int:
    """When the pipeline of a publication wrote."""
    ticks = (tick for arn, tick in world.commits.get(window, ()) if world.pipelines[arn].owner == owner)
    return max(ticks, default=-1)


def _newer_failure(world: World, window: str, latest: dict[str, dict[str, str]]) -> bool:
    """Whether a run that wrote scores of the window afterwards did not come to its end."""
    for run in world.pipelines.values():
        scores = any(table in SCORES for _, _, table in run.steps)
        if scores and run.window == f"{window}:00Z" and run.started >= int(latest["acquired_at"]["N"]):
            owner = world.executions[run.owner]
            if owner.arn != latest["owner"]["S"] and owner.status != "SUCCEEDED":
                return True
    return False


def _batches_of(content_id: str, batches: Sequence[Batch]) -> frozenset[str] | None:
    """The batches whose hash is the name of a publication's content."""
    paths = sorted(batch.path for batch in batches)
    for size in range(len(paths) + 1):
        for chosen in combinations(paths, size):
            if hashlib.sha256(",".join(chosen).encode()).hexdigest() == content_id.partition("-")[0]:
                return frozenset(chosen)
    return None


def check_locks(world: World) -> None:
    """No lock is held by an execution that has ended; one that was killed may hold it until its lease ends."""
    for table in ("processing_lock", "publication_lock"):
        for key, item in world.tables[table].items():
            held = "owner" in item.value and item.value.get("status", {}).get("S", RUNNING) == RUNNING
            until = int(item.value["expires_at"]["N"]) if "expires_at" in item.value else None
            if held and (until is None or until > world.now):
                owner = world.executions[item.value["owner"]["S"]]
                world.blame(f"lock {key[0]} is still held by {short(owner.arn)}, which is {owner.status}")


def missing(world: World, batches: Sequence[Batch]) -> list[Batch]:
    """The batches that are not in their tables, the damaged ones first."""
    return sorted((batch for batch in batches if not is_in(world, batch)), key=lambda batch: -batch.damage)


def check_repeated(world: World, batches: Sequence[Batch]) -> None:
    """When its event was sent again after everything was quiet, a batch that is not damaged is in the tables."""
    for batch in missing(world, batches):
        last = of_batch(world, batch)[-1]
        if not batch.damage:
            world.blame(
                f"{shown([batch.path])} was sent again, but is not in the tables: {short(last.arn)} {said(last)}"
            )
        elif last.status == "SUCCEEDED" and not is_set_aside(world, batch):
            world.blame(f"damaged {shown([batch.path])} is not in the tables, but {short(last.arn)} said {said(last)}")
