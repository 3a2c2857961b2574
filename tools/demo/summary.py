"""The end of the demo: what its numbers count, and what to do next."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow.compute as pc

from common.features.spec import load_spec
from common.lake.lake import Lake
from common.runtime.programs import scripts_folder
from common.windows import Windows
from tools.demo.config import DemoConfig
from tools.demo.scenario import find_scenario


def numbers(lake: Path, score: Windows, inputs: Sequence[str]) -> Iterator[str]:
    """A line for each number: the machines of a scenario, the scored addresses, and the scores."""
    scored = Lake.opened(str(lake), load_spec("v1")).arrow("predictions", ["host_ip"], score).column("host_ip")
    addresses = set(pc.unique(scored).to_pylist())
    yield "What the numbers count"
    if scenario := find_scenario(inputs):
        roles = {host["ip"]: host["role"] for host in scenario.description["hosts"]}
        servers = sum(role == "server" for role in roles.values())
        yield f"  {len(roles):>7,}  machines in the logs: {len(roles) - servers} hosts and {servers} servers"
        others = len(addresses - roles.keys())
        scanned = f", and {others} that belong to none, which a scan tried" if others else ""
        yield f"  {len(addresses):>7,}  internal addresses scored: {len(addresses) - others} of these machines{scanned}"
    else:
        yield f"  {len(addresses):>7,}  internal addresses scored"
    yield f"  {len(scored):>7,}  scores: one for each address and 15 minutes in which it had sessions"


def next_commands(config: DemoConfig, score: Windows) -> Iterator[str]:
    """What to type next, with this lake, window and local AWS."""
    lake, home = _shown(config.lake), _shown(config.aws_home)
    last = list(score)[-1]
    yield f"The page of these cases: {_shown(config.lake.with_name('page.html'))}"
    yield ""
    yield "What to do next"
    for command, makes in (
        (f"ndr-report --lake {lake} --cases --top 3", "the alerts as cases"),
        (f"ndr-fg-c --window {last} --lake {lake}", "one stage again, for one window"),
        (f"ndr-models list --lake {lake}", "the models"),
        (f"ndr-lake info --lake {lake}", "what the lake knows of itself"),
        (f"ndr-local executions --home {home}", "what ran on the local AWS"),
        (f"ndr-local down --home {home}", "end the local AWS, which keeps running"),
    ):
        yield f"  {_prefix()}{command}  # {makes}"
    yield "  make docs  # the documentation as a site, in build/site"


def _shown(path: Path) -> str:
    """The path as short as it works from here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _prefix() -> str:
    """The folder of the commands, where it is not on the user's path."""
    found = shutil.which("ndr-report")
    folder = scripts_folder()
    return "" if found and Path(found).parent == folder else f"{_shown(folder)}{os.sep}"
