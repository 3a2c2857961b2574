"""The YAML files that the definitions of the state machines are generated from."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from common.errors import NdrError

LONGEST_LINE = 120


class SourceError(NdrError):
    """A source of the state machines is wrong."""


@dataclass(frozen=True)
class Fragment:
    """A piece of a definition with parameters, which sources use by its name.

    `holds_states` is whether the body is a mapping of several states, which takes the place of one entry of a mapping
    of states; the key of that entry is then the parameter `name`. Parameters with a default may be left out. A body
    that is a function computes the value from the parameters.
    """

    name: str
    file: str
    about: str
    parameters: tuple[str, ...]
    defaults: Mapping[str, Any]
    body: Any
    holds_states: bool


def read_source(path: Path) -> dict[str, Any]:
    """The mapping that a source holds.

    Raises:
        SourceError: a line is too long, or the file is not a YAML mapping or has a key twice.
    """
    text = path.read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > LONGEST_LINE:
            raise SourceError(
                f"{path.name}, line {number} has {len(line)} characters",
                f"Break it to at most {LONGEST_LINE}: the lines of a block are joined by a space",
            )
    try:
        # a SafeLoader, which makes no objects
        parsed = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise SourceError(f"{path.name} is not YAML: {' '.join(str(error).split())}", "Correct it there") from None
    if not isinstance(parsed, dict):
        raise SourceError(f"{path.name} is not a mapping", "Write it as name: value")
    return parsed


def read_fragments(folder: Path) -> dict[str, Fragment]:
    """The fragments of all files of a folder, by name.

    Raises:
        SourceError: a file cannot be read, a fragment is malformed, or two have the same name.
    """
    found: dict[str, Fragment] = {}
    for path in sorted(folder.glob("*.yaml")):
        for name, entry in read_source(path).items():
            if name in found:
                raise SourceError(
                    f"the fragment {name} is in {found[name].file} and in {path.name}", "Give one of them another name"
                )
            found[name] = _fragment(name, entry, path.name)
    return found


def _fragment(name: str, entry: Any, file: str) -> Fragment:
    bodies = {"states", "value"} & set(entry) if isinstance(entry, dict) else set()
    unknown = set(entry) - {"about", "parameters", "defaults", "states", "value"} if bodies else set()
    if len(bodies) != 1 or unknown or not entry.get("about"):
        raise SourceError(
            f"{file}: the fragment {name} is malformed" + "".join(f", it has {key}" for key in sorted(unknown)),
            "Give it about, a value or states, and where it has parameters, parameters and defaults",
        )
    body = entry[bodies.pop()]
    defaults = entry.get("defaults", {})
    parameters = (*entry.get("parameters", []), *defaults)
    for parameter in parameters:
        if f"<<{parameter}>>" not in f"{body} {defaults}":
            raise SourceError(
                f"{file}: the fragment {name} never uses its parameter {parameter}",
                f"Write <<{parameter}>> where it belongs, or remove it",
            )
    return Fragment(name, file, entry["about"], parameters, defaults, body, holds_states="states" in entry)


class _Loader(yaml.SafeLoader):
    """YAML whose mappings have each key once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping; the parser itself would keep the last of several values."""
        names = [key.value for key, _ in node.value]
        for key, _ in node.value:
            if names.count(key.value) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value} is defined twice", key.start_mark
                )
        return super().construct_mapping(node, deep=deep)
