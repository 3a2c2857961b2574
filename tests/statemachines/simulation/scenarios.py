"""What happens in a schedule from outside: batches and their events, backfills; and the project they belong to."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from common.config.dynamodb import project_item, routing_item
from common.config.orchestration import OrchestrationParameters
from tests.statemachines.machines.samples import BACKFILL, DEFINITIONS, LIVE, PUBLICATION
from tests.statemachines.simulation.compiled import Machine
from tests.statemachines.simulation.stepper import Execution
from tests.statemachines.simulation.values import val
from tests.statemachines.simulation.world import World

INGESTION = "s3://ingestion/acme"
ORGANISATIONS = ("emea", "apac")
FIRST, SECOND = "2026-03-10T13:23", "2026-03-10T13:38"
"""The ends of two windows."""
PARAMETERS = OrchestrationParameters(
    lake_uri="s3://lake/acme", ingestion_prefix=f"{INGESTION}/emea", poll_seconds=60, features_poll_attempts=3,
    inference_poll_attempts=2, join_poll_attempts=2, extractor_poll_attempts=2, backfill_poll_attempts=3,
    lock_lease_seconds=600, publication_lock_lease_seconds=600,
)  # fmt: skip
LEASE = PARAMETERS.lock_lease_seconds or 0


@dataclass(frozen=True, order=True)
class Batch:
    """A folder of logs, its window by its end, and what is wrong with it: 0 for nothing."""

    organisation: str
    name: str
    window: str = FIRST
    damage: int = 0

    @property
    def path(self) -> str:
        """Its URI."""
        return f"{INGESTION}/{self.organisation}/2026/03/10/{self.name}"

    @property
    def event(self) -> dict[str, str]:
        """The event of its completion."""
        return {"batch_s3_path": f"{self.path}/", "timestamp": f"{self.window}:11Z"}


@dataclass(frozen=True)
class Arrival:
    """An execution that something starts at a time: that of a batch's event, or a backfill of both windows."""

    seconds: int
    name: str
    batch: Batch | None = None


@dataclass(frozen=True)
class Scenario:
    """The batches that exist, the executions that start, how much goes wrong; with delays for longer than a lease."""

    batches: tuple[Batch, ...]
    arrivals: tuple[Arrival, ...]
    faults: int = 0
    delays: bool = True


BACKFILL_REQUEST = {"project_name": "acme", "start_ts_iso": "2026-03-10T13:08:00Z", "end_ts_iso": f"{SECOND}:00Z"}


@cache
def _compiled() -> Mapping[str, Machine]:
    return compiled(DEFINITIONS)


def compiled(definitions: Mapping[str, Any]) -> Mapping[str, Machine]:
    """The machines that a schedule runs."""
    return {name: Machine(name, definitions[name]) for name in (LIVE, PUBLICATION, BACKFILL)}


def world_of(scenario: Scenario, machines: Mapping[str, Machine] | None = None, runner: str = "pipelines") -> World:
    """A world in which nothing has arrived yet."""
    world = World(machines or _compiled())
    world.tables["project_parameters"]["acme", "project_parameters#v1"] = val(
        project_item("acme", "v1", {}, PARAMETERS.model_copy(update={"runner": runner}))
    )
    for organisation in ORGANISATIONS:
        item = routing_item("acme", organisation, "acme", "v1", f"{INGESTION}/{organisation}")
        world.tables["project_routing"][f"acme#{organisation}",] = val(item)
    for batch in scenario.batches:
        bucket, _, prefix = batch.path.removeprefix("s3://").partition("/")
        world.objects[bucket, f"{prefix}/traffic.csv.gz"] = "logs"
    world.damaged = {batch.path: batch.damage for batch in scenario.batches if batch.damage}
    return world


def arrive(world: World, arrival: Arrival) -> Execution:
    """Starts the execution of an arrival."""
    if arrival.batch:
        return world.start(LIVE, arrival.name, arrival.batch.event)
    return world.start(BACKFILL, arrival.name, {**BACKFILL_REQUEST, "request_id": arrival.name})


NAMES = (("emea", "b1"), ("emea", "b2"), ("apac", "b1"), ("emea", "b3"))


def drawn(dice: random.Random, delays: bool = True) -> Scenario:
    """A scenario by chance: two to four batches, some of them twice or late or damaged, perhaps backfills, faults."""
    batches = tuple(
        Batch(
            organisation, name, FIRST if dice.random() < 0.75 else SECOND,
            dice.choice((1, 2)) if dice.random() < 0.15 else 0,
        )
        for organisation, name in dice.sample(NAMES, dice.choice((2, 2, 3, 4)))
    )  # fmt: skip
    arrivals = [
        Arrival(_moment(dice), f"{batch.organisation}-{batch.name}-{number}", batch)
        for batch in batches
        for number in range(2 if dice.random() < 0.2 else 1)
    ]
    backfills = dice.choice((0, 0, 1, 1, 2) if dice.random() < 0.6 else (0,))
    arrivals += [Arrival(_moment(dice), f"r{number}") for number in range(backfills)]
    return Scenario(batches, tuple(sorted(arrivals, key=lambda one: one.seconds)), dice.choice((0, 1, 1, 2, 3)), delays)


def _moment(dice: random.Random) -> int:
    """At once with others, while they run, or late."""
    return dice.choice((0, 0, 0, 60, 120, 240, 360, LEASE))
