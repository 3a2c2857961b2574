"""What jobs and functions ask their roles for, against what works.yaml says that they need."""

from __future__ import annotations

from statemachines.definitions import MACHINES
from statemachines.deploy.permissions.check import needs
from statemachines.deploy.permissions.needs import Need, allows
from statemachines.deploy.permissions.template import Statement
from tests.permissions.permission import Asked
from tests.permissions.world import World


def undeclared(world: World) -> list[Asked]:
    """What roles were asked for that no work or definition declares."""
    declared = needs(world.template, MACHINES)
    return sorted(
        (one for one in world.asked if not any(_covers(need, one) for need in declared.get(one.role, ()))), key=str
    )


def _covers(need: Need, asked: Asked) -> bool:
    return allows(Statement("", (need.action,), (need.resource,), {}), Need(asked.action, asked.resource))
