"""What is generated from the sources: a definition and a page with diagrams for each machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from statemachines.definitions import MACHINES
from statemachines.generation.diagrams import page
from statemachines.generation.expansion import Expander
from statemachines.generation.sources import SourceError, read_fragments, read_source

ROOT = Path(__file__).parents[2]
SOURCES = Path("statemachines", "sources")
FRAGMENTS = SOURCES / "fragments"
DEFINITIONS = Path("statemachines")
PAGES = Path("docs", "machines")


def build(root: Path) -> dict[Path, str]:
    """The text of each file that the sources below a folder make, by its path from there.

    Raises:
        SourceError: a source is missing, belongs to no machine or is wrong, or no source uses a fragment.
    """
    sources = {path.stem: path for path in sorted((root / SOURCES).glob("*.yaml"))}
    if differing := sorted(set(sources) ^ set(MACHINES)):
        raise SourceError(
            f"{root / SOURCES} and the machines in statemachines/definitions.py differ in {', '.join(differing)}",
            "Run this in a clone of the repository, and give each machine a source and an entry there",
        )
    expander = Expander(read_fragments(root / FRAGMENTS))
    built: dict[Path, str] = {}
    for name, path in sources.items():
        machine = expander.machine(read_source(path), path.name)
        built[DEFINITIONS / f"{name}.asl.json"] = json.dumps(machine.definition, indent=2, ensure_ascii=False) + "\n"
        built[PAGES / f"{name}.md"] = page(name, machine)
    if unused := expander.unused():
        raise SourceError(f"no source uses the fragment {', '.join(unused)}", "Remove it")
    return built


def stale(built: Mapping[Path, str], root: Path) -> list[Path]:
    """The paths of committed files that are missing, different from what was built, or left over."""
    committed = {
        path.relative_to(root): path.read_text(encoding="utf-8")
        for path in (*(root / DEFINITIONS).glob("*.asl.json"), *(root / PAGES).glob("sfn_*.md"))
    }
    return sorted(path for path in {**committed, **built} if committed.get(path) != built.get(path))


def write(built: Mapping[Path, str], root: Path) -> None:
    """Makes the files below a folder what was built, and removes what was left over."""
    for path in stale(built, root):
        if path in built:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(built[path], encoding="utf-8")
        else:
            (root / path).unlink()
