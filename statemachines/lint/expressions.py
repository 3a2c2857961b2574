"""The JSONata expressions of a definition, and what each of them refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from jsonata import Jsonata
from jsonata.jexception import JException

LIBRARY = frozenset(
    """abs append assert average base64decode base64encode boolean ceil clone contains count decodeUrl
    decodeUrlComponent distinct each encodeUrl encodeUrlComponent error exists filter floor formatBase formatInteger
    formatNumber fromMillis join keys length lookup lowercase map match max merge millis min not now number pad
    parseInteger power reduce replace reverse round shuffle sift single sort split spread sqrt string substring
    substringAfter substringBefore sum toMillis trim type uppercase zip
    hash parse partition random range uuid""".split()  # noqa: SIM905 - a list of words
)
"""JSONata 2.0.6 without `$eval`, and the six functions that Step Functions adds."""

# a string, a quoted name, a comment, a regular expression (where a value is due: at the start, after an operator or an
# opening bracket), or one of the two operators that AWS does not have
_TOKENS = re.compile(
    r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|/\*.*?\*/|(?:^|(?<=[(\[{,;:?=~<>&+*%-]))\s*/(?:[^/\\]|\\.)+/"""
    r"""|(\?\?|\?:)""",
    re.DOTALL,
)
_IMPLICIT = {"name": None, "wildcard": "*", "descendant": "**", "parent": "%"}


@dataclass(frozen=True)
class Reading:
    """What an expression refers to: variables of the machine, functions, and fields of `$states`.

    `implicit` are references to the input document, which AWS does not provide: `$$` anywhere, and `$` or a bare name
    that does not refer to a value a path steps through. `problem` says why AWS rejects the expression, and is empty
    where it does not.
    """

    variables: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    states_fields: frozenset[str] = frozenset()
    implicit: frozenset[str] = frozenset()
    problem: str = ""


def expressions_in(value: Any, path: str = "", separator: str = ".") -> Iterator[tuple[str, str]]:
    """Path and text of each `{% expression %}` inside the value."""
    if isinstance(value, str):
        if value.startswith("{%") and value.endswith("%}"):
            yield path, value[2:-2].strip()
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from expressions_in(inner, f"{path}{separator}{key}" if path else key, separator)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from expressions_in(inner, f"{path}[{number}]", separator)


def read(expression: str) -> Reading:
    """What the expression refers to."""
    if newer := sorted({match[1] for match in _TOKENS.finditer(expression) if match[1]}):
        return Reading(problem=f"uses {' and '.join(newer)}, which JSONata 2.0.6 does not have")
    try:
        tree = Jsonata.jsonata(expression).ast
    except JException as error:
        return Reading(problem=f"is not JSONata: {error}")
    found = _References()
    _collect(tree, found, nested=False)
    variables = found.variables - found.bound - found.functions - {"", "$"}
    return Reading(
        frozenset(variables),
        frozenset(found.functions - found.bound),
        frozenset(found.states_fields),
        frozenset(found.implicit),
    )


@dataclass
class _References:
    variables: set[str] = field(default_factory=set)
    bound: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    states_fields: set[str] = field(default_factory=set)
    implicit: set[str] = field(default_factory=set)


def _collect(node: Any, found: _References, nested: bool) -> None:
    """Adds what the node and all below it refer to; `nested` is whether a value is stepped through."""
    if isinstance(node, list | tuple):
        for inner in node:
            _collect(inner, found, nested)
    elif hasattr(node, "position"):
        _note(node, found, nested)
        for name, inner in vars(node).items():
            if name == "steps" and inner:
                _collect(inner[0], found, nested)
                _collect(inner[1:], found, nested=True)
            elif not name.startswith("_outer"):
                _collect(inner, found, nested or name in ("predicate", "stages", "group", "terms"))


def _note(node: Any, found: _References, nested: bool) -> None:
    if node.type == "variable":
        found.variables.add(node.value)
        if node.value == "$" or (node.value == "" and not nested):
            found.implicit.add(f"${node.value}")
    elif node.type == "bind":
        found.bound.add(node.lhs.value)
    elif node.type == "lambda":
        found.bound.update(argument.value for argument in node.arguments)
    elif node.type in ("function", "partial") and node.procedure.type == "variable":
        found.functions.add(node.procedure.value)
    elif node.type == "path" and node.steps[0].type == "variable" and node.steps[0].value == "states":
        found.states_fields.add(node.steps[1].value)
    elif node.type in _IMPLICIT and not nested:
        found.implicit.add(_IMPLICIT[node.type] or node.value)
