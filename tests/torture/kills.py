"""Kills a command at a random moment, looks at what readers see then, runs it again, and looks at what it left."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.lakes import compare
from common.contracts import tables
from common.lake.lake_format import FILE as FORMAT_FILE
from common.lake.reader import LakeReader
from common.lake.window_status import defects, read_statuses
from tests.factories import SPEC
from tests.torture.world import WINDOW, Step, World, copy, digests

IN_A_ROW = 3
"""How often a command is killed before it may run to its end."""


@dataclass(frozen=True)
class Outcome:
    """What became of a trial: the command, after how many seconds it was killed each time, and what was wrong."""

    command: str
    killed_after: list[float]
    wrong: str = ""


@dataclass(frozen=True)
class Victim:
    """A step, and the numbers of the state or tool that tell what it makes."""

    step: Step
    before: Path
    after: Path
    made: Path | None = None


def victims(world: World) -> list[Victim]:
    """All commands that are killed."""
    last = world.lake(len(world.steps))
    stages = [Victim(step, world.lake(at), world.lake(at + 1)) for at, step in enumerate(world.steps)]
    tools = [Victim(step, last, last, world.made(at)) for at, step in enumerate(world.tools)]
    return [*stages, Victim(world.migration, world.format_1, world.migrated), *tools]


def try_kills(victim: Victim, number: int, folder: Path, seconds: float) -> Outcome:
    """Kills a command in a lake of its own, at moments that the number chooses from its usual seconds; runs it then."""
    dice = random.Random(number)
    place = folder / f"trial-{number}"
    lake, out = copy(victim.before, place / "lake"), place / "out"
    out.mkdir()
    killed, wrong = [], []
    for _ in range(IN_A_ROW):
        moment = dice.random() * seconds
        if kill_after(victim.step.line(lake, out), moment):
            killed.append(round(moment, 3))
        wrong += [f"after a kill: {text}" for text in unexpected(victim, lake, out)]
    wrong += [f"after the next run: {text}" for text in _repaired(victim, lake, out)]
    if not wrong:
        shutil.rmtree(place)
    return Outcome(victim.step.name, killed, "; ".join(wrong))


def duration(victim: Victim, folder: Path) -> float:
    """The seconds that a command takes, unkilled."""
    place = folder / "timed"
    shutil.rmtree(place, ignore_errors=True)
    lake, out = copy(victim.before, place / "lake"), place / "out"
    out.mkdir()
    began = time.monotonic()
    subprocess.run(victim.step.line(lake, out), capture_output=True, check=True)
    return time.monotonic() - began


def kill_after(line: list[str], seconds: float) -> bool:
    """Whether the command was killed at that time; it may have ended before."""
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def unexpected(victim: Victim, lake: Path, out: Path) -> Iterator[str]:
    """What readers may not see after a kill: what is neither as before nor as after, or is so in part."""
    if victim.step.tables and not (lake / FORMAT_FILE).exists():
        return  # readers refuse the lake
    seen = {name: _same(lake, (victim.before, victim.after), name) for name in victim.step.tables}
    yield from (f"{name} is neither old nor new" for name, states in seen.items() if not states)
    if seen and not set.intersection(*seen.values()) and _is_whole(victim.step, lake):
        yield f"some tables are old and some new: { {name: sorted(states) for name, states in seen.items()} }"
    for name in victim.step.outputs:
        if (out / name).is_file() and not _made(victim, out, name):
            yield f"{name} is there in part"


def _is_whole(step: Step, lake: Path) -> bool:
    """Whether nothing warns readers that the tables of a command are not all of one run."""
    if any(name.startswith("fg_b/") for name in step.tables):
        return True
    statuses = read_statuses(LakeReader(str(lake), SPEC), WINDOW)
    return not defects(statuses, [WINDOW.key])


def _repaired(victim: Victim, lake: Path, out: Path) -> Iterator[str]:
    done = subprocess.run(victim.step.line(lake, out), capture_output=True, text=True, check=False)
    if done.returncode:
        yield f"exit code {done.returncode}: {done.stderr[-300:]}"
        return
    yield from (f"{name} is wrong" for name in differing(lake, victim.after, victim.step.tables))
    yield from (f"{name} is wrong" for name in victim.step.outputs if not _made(victim, out, name))
    yield from left_over(lake)
    yield from (f"{path.relative_to(out)} is left" for path in out.rglob("*.tmp"))
    if not victim.made and _models(lake) != _models(victim.after):
        yield f"the models are {_models(lake)}"


def _made(victim: Victim, out: Path, name: str) -> bool:
    """Whether a file or folder is what the command makes unkilled."""
    assert victim.made is not None
    wanted, found = (
        {path: digest for path, digest in digests(place).items() if path.split("/")[0] == name}
        for place in (victim.made, out)
    )
    return wanted == found


def left_over(lake: Path) -> Iterator[str]:
    """Files below the lake that nobody needs: scratch, temporary files, and data that no log ever named."""
    scratch = [path for path in (lake / "_scratch").glob("*") if any(path.iterdir())]
    if scratch:
        yield f"{len(scratch)} scratch folders are left"
    yield from (f"{path.relative_to(lake)} is left" for path in lake.rglob("*.tmp"))
    for log in lake.rglob("_delta_log"):
        if orphans := _orphans(log.parent):
            yield f"{len(orphans)} orphan files are left, the first {orphans[0]}"


def _orphans(table: Path) -> list[str]:
    named: set[str] = set()
    for commit in (table / "_delta_log").glob("*.json"):
        for line in commit.read_text().splitlines():
            action = json.loads(line)
            named |= {action[kind]["path"] for kind in ("add", "remove") if kind in action}
    found = {str(path.relative_to(table)) for path in table.rglob("*.parquet") if "_delta_log" not in path.parts}
    return sorted(path for path in found - named if path.replace("%", "%25") not in named)


def differing(lake: Path, wanted: Path, names: Iterable[str]) -> list[str]:
    """The tables that are not the same in both lakes."""
    return [name for name in names if not _same(lake, (wanted,), name)]


def _same(lake: Path, states: tuple[Path, ...], name: str) -> set[int]:
    """Which of the states a table equals."""
    found = LakeReader(str(lake), SPEC)
    return {
        number
        for number, state in enumerate(states)
        if compare(found, LakeReader(str(state), SPEC), tables(SPEC)[name])[1]
    }


def _models(lake: Path) -> list[str]:
    """The runs of the models that are whole, and which one is current."""
    root = lake / "models" / "local"
    if not root.exists():
        return []
    runs = sorted(path.parent.name for path in root.glob("*/deployment.json"))
    return [*runs, json.loads((root / "current.json").read_bytes())["run_id"]]
