"""JSON values, each held once, and templates of a definition that are filled with them: evaluated once for each input.

Most of 10,000 schedules evaluates the same expressions with the same values. A value is interned, so that equal values
have one number; what a template gives is remembered by the numbers of what it uses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.statemachines.machines.jsonata_engines import PythonEngine, QueryError
from tests.statemachines.machines.walker import StateError

CLOCK = "simulated_millis"
_NAME = re.compile(r"\$([A-Za-z_]\w*)")
_CONTEXT = re.compile(r"\$states\.context\.((?:\w+\.)*\w+)")
_NOT_SIMULATED = re.compile(r"\$(now|random|uuid)\(")


class Val:
    """A JSON value that must not be changed, and its number."""

    __slots__ = ("id", "value")

    def __init__(self, value: Any, number: int) -> None:
        self.value = value
        self.id = number

    def __repr__(self) -> str:
        return f"Val({self.value!r})"


_interned: dict[str, Val] = {}


def val(value: Any) -> Val:
    """The one holder of an equal value."""
    text = json.dumps(value, sort_keys=True)
    known = _interned.get(text)
    if known is None:
        known = _interned[text] = Val(json.loads(text), len(_interned))
    return known


@dataclass(slots=True)
class Scope:
    """What expressions of a state see; `result` and `error` where the language defines them."""

    variables: Mapping[str, Val]
    data: Val
    context: Mapping[str, Any]
    now: int
    result: Val | None = None
    error: Val | None = None


class Expression:
    """One JSONata expression."""

    _engine = PythonEngine()

    def __init__(self, text: str) -> None:
        assert not _NOT_SIMULATED.search(text), f"the simulation does not own what this depends on: {text}"
        self.timed = "$millis()" in text
        self._text = text.replace("$millis()", f"${CLOCK}")
        self._names = sorted(set(_NAME.findall(self._text)) - {"states", CLOCK})
        self._paths = [path.split(".") for path in sorted(set(_CONTEXT.findall(text)))]
        self._uses = tuple(f"$states.{part}" in text for part in ("input", "result", "errorOutput"))
        self._known: dict[tuple[Any, ...], Val | StateError] = {}

    def value(self, scope: Scope) -> Val:
        """The value; raises the StateError of an expression without one."""
        variables = scope.variables
        used = [(name, variables[name]) for name in self._names if name in variables]
        of_input, of_result, of_error = self._uses
        context = tuple([_at(scope.context, path) for path in self._paths])
        key = (
            tuple([(name, held.id) for name, held in used]),
            scope.data.id if of_input else None,
            scope.result.id if of_result and scope.result else None,
            scope.error.id if of_error and scope.error else None,
            context,
            scope.now if self.timed else None,
        )
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._evaluated(scope, dict(used))
        if isinstance(known, StateError):
            raise known
        return known

    def _evaluated(self, scope: Scope, used: Mapping[str, Val]) -> Val | StateError:
        states = {"input": scope.data.value, "context": _plain(scope.context)}
        if scope.result is not None:
            states["result"] = scope.result.value
        if scope.error is not None:
            states["errorOutput"] = scope.error.value
        variables = {name: held.value for name, held in used.items()} | {CLOCK: scope.now * 1000}
        try:
            return val(self._engine.evaluate(self._text, variables, states))
        except QueryError as error:
            return StateError("States.QueryEvaluationError", str(error))


def _at(context: Mapping[str, Any], path: list[str]) -> Any:
    found: Any = context
    for name in path:
        found = found.value if isinstance(found, Val) else found
        found = found.get(name) if isinstance(found, Mapping) else None
    return found.id if isinstance(found, Val) else json.dumps(found) if isinstance(found, (dict, list)) else found


def _plain(context: Any) -> Any:
    if isinstance(context, Val):
        return context.value
    return {name: _plain(inner) for name, inner in context.items()} if isinstance(context, Mapping) else context


class Template:
    """A JSON value with expressions in it."""

    def __init__(self, source: Any) -> None:
        self._parts = _parts(source)
        self._constant = val(source) if not _has_expression(self._parts) else None

    def fill(self, scope: Scope) -> Val:
        """The value with its expressions evaluated; raises the StateError of an expression without a value."""
        if self._constant is not None:
            return self._constant
        if isinstance(self._parts, Expression):
            return self._parts.value(scope)
        return val(_filled(self._parts, scope))


def _parts(source: Any) -> Any:
    if isinstance(source, dict):
        return {key: _parts(inner) for key, inner in source.items()}
    if isinstance(source, list):
        return [_parts(inner) for inner in source]
    if isinstance(source, str) and source.startswith("{%"):
        return Expression(source[2:-2].strip())
    return source


def _has_expression(parts: Any) -> bool:
    if isinstance(parts, dict):
        return any(_has_expression(inner) for inner in parts.values())
    if isinstance(parts, list):
        return any(_has_expression(inner) for inner in parts)
    return isinstance(parts, Expression)


def _filled(parts: Any, scope: Scope) -> Any:
    if isinstance(parts, dict):
        return {key: _filled(inner, scope) for key, inner in parts.items()}
    if isinstance(parts, list):
        return [_filled(inner, scope) for inner in parts]
    return parts.value(scope).value if isinstance(parts, Expression) else parts
