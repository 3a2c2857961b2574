"""The JSONata expressions of a definition, and what each of them refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
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

# a string, a regular expression after an operator or bracket, or one of the two operators that AWS does not have
_TOKENS = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|(?<=[(,~:?=])\s*/(?:[^/\\]|\\.)+/|(\?\?|\?:)""")


@dataclass(frozen=True)
class Reading:
    """What an expression refers to: variables of the machine, functions, and fields of `$states`.

    `problem` says why it is no expression that AWS accepts, and is empty otherwise.
    """

    variables: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    states_fields: frozenset[str] = frozenset()
    problem: str = ""


def expressions_in(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Path and text of each `{% expression %}` inside the value."""
    if isinstance(value, str):
        if value.startswith("{%") and value.endswith("%}"):
            yield path, value[2:-2].strip()
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from expressions_in(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from expressions_in(inner, f"{path}[{number}]")


def read(expression: str) -> Reading:
    """What the expression refers to."""
    if newer := sorted({match[1] for match in _TOKENS.finditer(expression) if match[1]}):
        return Reading(problem=f"uses {' and '.join(newer)}, which JSONata 2.0.6 does not have")
    try:
        tree = Jsonata.jsonata(expression).ast
    except JException as error:
        return Reading(problem=f"is no JSONata: {error}")
    variables: set[str] = set()
    bound: set[str] = set()
    functions: set[str] = set()
    fields: set[str] = set()
    for node in _nodes(tree, set()):
        if node.type == "variable":
            variables.add(node.value)
        elif node.type == "bind":
            bound.add(node.lhs.value)
        elif node.type == "lambda":
            bound.update(argument.value for argument in node.arguments)
        elif node.type in ("function", "partial") and node.procedure.type == "variable":
            functions.add(node.procedure.value)
        elif node.type == "path" and node.steps[0].type == "variable" and node.steps[0].value == "states":
            fields.add(node.steps[1].value)
    return Reading(
        frozenset(variables - bound - functions - {"", "$"}), frozenset(functions - bound), frozenset(fields)
    )


def _nodes(node: Any, seen: set[int]) -> Iterator[Any]:
    if isinstance(node, list | tuple):
        for inner in node:
            yield from _nodes(inner, seen)
    elif hasattr(node, "position") and id(node) not in seen:
        seen.add(id(node))
        yield node
        for name, inner in vars(node).items():
            if not name.startswith("_outer"):
                yield from _nodes(inner, seen)
