"""One permission at a time is taken away: the run that needs it fails, and names it; put back, it succeeds."""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from tests.permissions.permission import Asked, Permission, depends, permissions, without
from tests.permissions.runs import RUNS
from tests.permissions.world import Refused, World, says_refused


@dataclass
class Plan:
    """Permissions by what a local AWS notices of them."""

    noticeable: dict[Permission, str] = field(default_factory=dict)
    """What is asked for, with the run that does."""
    unchecked: list[Permission] = field(default_factory=list)
    """What a local AWS never asks for."""
    unasked: list[Permission] = field(default_factory=list)
    """What these runs do not need, or another permission gives too."""

    def chosen(self, seed: int, every: bool) -> dict[Permission, str]:
        """The permissions to take away: one of each role by the seed, or all."""
        if every:
            return self.noticeable
        drawn, roles = random.Random(seed), sorted({one.role for one in self.noticeable})
        kept = [drawn.choice(sorted((one for one in self.noticeable if one.role == role), key=str)) for role in roles]
        return {one: self.noticeable[one] for one in kept}


@dataclass(frozen=True)
class Outcome:
    """What became of a run without a permission, and of the same run with it."""

    permission: Permission
    run: str
    ended_well: bool
    names_it: bool
    succeeds_again: bool

    @property
    def is_noticed(self) -> bool:
        """Whether the failure names the role and the action, and is over with the permission."""
        return self.names_it and self.succeeds_again

    def __str__(self) -> str:
        how = "names it" if self.names_it else "DOES NOT NAME IT"
        ended = "goes on without" if self.ended_well else "fails"
        again = "" if self.succeeds_again else ", FAILS AFTER IT IS BACK"
        return f"{self.permission}: {self.run} {ended}, {how}{again}"


def plan(world: World, names: Collection[str]) -> Plan:
    """The plan after these runs have succeeded with all permissions."""
    asked: dict[str, set[Asked]] = {}
    for name in names:
        before, place, began = world.asked, world.place(), time.time()
        assert RUNS[name](world, lambda: False), f"{name} fails with all permissions: {world.said_since(place, began)}"
        asked[name] = world.asked - before
    return sorted_out(world, asked)


def sorted_out(world: World, asked: dict[str, set[Asked]]) -> Plan:
    """Permissions of all roles by what was asked in runs."""
    found, statements = Plan(), world.statements
    for permission in dict.fromkeys(permissions(statements)):
        own = statements[permission.role]
        run = next((name for name, one in asked.items() if depends(permission, own, one)), None)
        if run:
            assert not permission.unchecked, f"{permission} is asked for: unchecked.py says that it is not"
            found.noticeable[permission] = run
        else:
            (found.unchecked if permission.unchecked else found.unasked).append(permission)
    return found


def outcomes(world: World, chosen: dict[Permission, str]) -> Iterator[Outcome]:
    """Takes each permission away, runs what needs it, puts it back, and runs that again."""
    for permission, run in chosen.items():
        is_refused = _looked_for(world, permission)
        with without(world.aws, permission):
            ended_well = RUNS[run](world, is_refused)
            names_it = is_refused()
        world.end_leases()
        yield Outcome(permission, run, ended_well, names_it, RUNS[run](world, lambda: False))


def _looked_for(world: World, permission: Permission) -> Refused:
    """Whether anything has said from now on that the permission is missing."""
    place, began = world.place(), time.time()
    return lambda: says_refused(
        world.said_since(place, began), permission.role, permission.action, permission.resources
    )
