"""Settings as they are written: their values, and where in the file each one stands.

YAML is read as version 1.2 has it, which is how editors and JSON Schema read it: `on`, `12:30`, `1_000` and dates are
texts, and the keys of mappings are always texts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from common.errors import ParameterError, one_line

ValuePath = Sequence[str | int]
"""The keys of mappings and the numbers of list entries that lead to a value."""

PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*|[0-9]+[A-Za-z]+")


class Position(NamedTuple):
    """A place in a file; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Repeated:
    """A key that a mapping has twice: the name of the setting, and both places."""

    name: str
    first: Position
    again: Position


@dataclass(frozen=True, eq=False)
class Document:
    """The values of a source.

    Attributes:
        source: its name, for messages.
        values: what it holds, in the types of JSON.
        root: what the names of its settings begin with: `$.` in JSON.
        node: the root of a YAML file, which other sources do not have.
        repeated: the keys that a mapping has twice.
    """

    source: str
    values: Any
    root: str = ""
    node: yaml.Node | None = None
    repeated: tuple[Repeated, ...] = ()

    def position(self, path: ValuePath) -> Position | None:
        """Where the key or list entry stands; where the file does not have it, the last one on the way to it."""
        node, mark = self.node, None
        for step in path:
            key, node = _child(node, step)
            mark = key.start_mark if key else mark
        if mark is None and self.node:
            mark = self.node.start_mark
        return _position(mark) if mark else None

    def place(self, path: ValuePath) -> str:
        """The source, with line and column where it is a file."""
        position = self.position(path)
        return f"{self.source}:{position.line}:{position.column}" if position else self.source

    def name(self, path: ValuePath) -> str:
        """The name of the setting; in JSON, its JSON path."""
        return f"{self.root}{dotted(path)}".rstrip(".")


def dotted(path: ValuePath) -> str:
    """The name of a setting: `training.min_rows`, `internal_cidrs[0]`, `segments["10.1.0.0/16"]`."""
    name = ""
    for step in path:
        if isinstance(step, int):
            name += f"[{step}]"
        elif PLAIN_KEY.fullmatch(step):
            name += f".{step}" if name else step
        else:
            name += f"[{json.dumps(step)}]"
    return name


def read_yaml(path: Path) -> Document:
    """The document of a file on disk.

    Raises:
        ParameterError: the file cannot be read, or is not YAML.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ParameterError(f"{path} cannot be read: {error.strerror}", "Check the path and the permissions") from None
    return parse_yaml(content, str(path))


def parse_yaml(content: bytes, source: str) -> Document:
    """The document that YAML describes; an empty one has no values.

    Raises:
        ParameterError: it is not YAML.
    """
    try:
        loader = _Loader(content.decode("utf-8"))
        node = loader.get_single_node()
        repeated = tuple(_repeated(node, (), set()))
        values = loader.construct_document(node) if node else None
    except yaml.MarkedYAMLError as error:
        place = ":{}:{}".format(*_position(error.problem_mark)) if error.problem_mark else ""
        what = one_line(f"{error.context or ''} {error.problem or ''}", 300)
        raise ParameterError(
            f"{source}{place} is not valid YAML: {what}", "Check the indentation, and quote text with : # or brackets"
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ParameterError(f"{source} is not valid YAML: {one_line(error, 300)}", "Correct the file") from None
    return Document(source, {} if values is None else values, node=node, repeated=repeated)


def _position(mark: yaml.Mark) -> Position:
    return Position(mark.line + 1, mark.column + 1)


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    """The node of the key, or of the list entry, and that of its value."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in reversed(node.value) if key.value == step), (None, None))
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None, None


def _repeated(node: yaml.Node | None, path: tuple[str | int, ...], seen: set[int]) -> Iterator[Repeated]:
    """The keys that are written twice, in the node and below it."""
    if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for number, entry in enumerate(node.value):
            yield from _repeated(entry, (*path, number), seen)
        return
    first: dict[str, yaml.Mark] = {}
    for key, value in node.value:
        below = (*path, str(key.value))
        if str(key.value) in first:
            yield Repeated(dotted(below), _position(first[str(key.value)]), _position(key.start_mark))
        first.setdefault(str(key.value), key.start_mark)
        yield from _repeated(value, below, seen)


class _Loader(yaml.SafeLoader):
    """YAML 1.2 with text keys."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - what the parent class declares

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping, with its keys as they are written."""
        self.flatten_mapping(node)
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a text", key.start_mark)
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}


for _tag, _pattern, _first in (
    ("bool", r"(true|True|TRUE|false|False|FALSE)\Z", "tTfF"),
    ("int", r"[-+]?[0-9]+\Z", "-+0123456789"),
    ("float", r"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z",
     "-+0123456789."),
    ("null", r"(~|null|Null|NULL|)\Z", ["~", "n", "N", ""]),
    ("merge", r"<<\Z", "<"),
):  # fmt: skip
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))
_Loader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))
