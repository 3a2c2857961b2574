"""JSON values, each held once, and templates of a definition that are filled with them: evaluated once for each input.

Most of 10,000 schedules evaluates the same expressions with the same values. A value is interned, so that equal values
have one number; what a template gives is remembered by the numbers of what it uses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.statemachines.machines.jsonata_engines import PythonEngine, QueryError
from tests.statemachines.machines.walker import StateError

CLOCK = "simulated_millis"
_NAME = re.compile(r"\$([A-Za-z_]\w*)")
_CONTEXT = re.compile(r"\$states\.context\.((?:\w+\.)*\w+)")
_NOT_SIMULATED = re.compile(r"\$(now|random|uuid)\(")


class Val:
    """A JSON value that must not be changed, its text, and its number."""

    __slots__ = ("id", "text", "value")

    def __init__(self, value: Any, text: str, number: int) -> None:
        self.value = value
        self.text = text
        self.id = number

    def __repr__(self) -> str:
        return f"Val({self.value!r})"


_interned: dict[str, Val] = {}


def val(value: Any) -> Val:
    """The one holder of an equal value."""
    text = json.dumps(value, sort_keys=True)
    known = _interned.get(text)
    if known is None:
        known = _interned[text] = Val(json.loads(text), text, len(_interned))
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


class _Uses:
    """What expressions use of a scope, and what was given for it before."""

    def __init__(self, texts: list[str]) -> None:
        joined = " ".join(texts)
        assert not _NOT_SIMULATED.search(joined), f"the simulation does not own what this depends on: {joined}"
        self.timed = "$millis()" in joined
        self.names = sorted(set(_NAME.findall(joined)) - {"states"})
        self._paths = [path.split(".") for path in sorted(set(_CONTEXT.findall(joined)))]
        self._parts = tuple(f"$states.{part}" in joined for part in ("input", "result", "errorOutput"))

    def key(self, scope: Scope) -> tuple[Any, ...]:
        """Equal for scopes in which the expressions have equal values."""
        variables = scope.variables
        of_input, of_result, of_error = self._parts
        return (
            tuple([variables[name].id if name in variables else None for name in self.names]),
            scope.data.id if of_input else None,
            scope.result.id if of_result and scope.result else None,
            scope.error.id if of_error and scope.error else None,
            tuple([_at(scope.context, path) for path in self._paths]) if self._paths else None,
            scope.now if self.timed else None,
        )


class Expression:
    """One JSONata expression."""

    _engine = PythonEngine()

    def __init__(self, text: str) -> None:
        self.text = text
        self._uses = _Uses([text])
        self._evaluated_text = text.replace("$millis()", f"${CLOCK}")
        self._known: dict[tuple[Any, ...], Val | StateError] = {}

    def value(self, scope: Scope) -> Val:
        """The value; raises the StateError of an expression without one."""
        key = self._uses.key(scope)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._evaluated(scope)
        if isinstance(known, StateError):
            raise known
        return known

    def _evaluated(self, scope: Scope) -> Val | StateError:
        states = {"input": scope.data.value, "context": _plain(scope.context)}
        if scope.result is not None:
            states["result"] = scope.result.value
        if scope.error is not None:
            states["errorOutput"] = scope.error.value
        used = {name: scope.variables[name].value for name in self._uses.names if name in scope.variables}
        try:
            return val(self._engine.evaluate(self._evaluated_text, used | {CLOCK: scope.now * 1000}, states))
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
        texts = list(_texts(self._parts))
        self._uses = _Uses(texts)
        self._known: dict[tuple[Any, ...], Val | StateError] = {}
        self._members: dict[int, dict[str, Val]] = {}

    def fill(self, scope: Scope) -> Val:
        """The value with its expressions evaluated; raises the StateError of an expression without a value."""
        if self._uses.timed:
            return val(_filled(self._parts, scope))
        key = self._uses.key(scope)
        known = self._known.get(key)
        if known is None:
            try:
                known = val(_filled(self._parts, scope))
            except StateError as error:
                known = error
            self._known[key] = known
        if isinstance(known, StateError):
            raise known
        return known

    def members(self, scope: Scope) -> dict[str, Val]:
        """The values of a mapping, by name."""
        filled = self.fill(scope)
        if filled.id not in self._members:
            self._members[filled.id] = {name: val(value) for name, value in filled.value.items()}
        return self._members[filled.id]


def _parts(source: Any) -> Any:
    if isinstance(source, dict):
        return {key: _parts(inner) for key, inner in source.items()}
    if isinstance(source, list):
        return [_parts(inner) for inner in source]
    if isinstance(source, str) and source.startswith("{%"):
        return Expression(source[2:-2].strip())
    return source


def _texts(parts: Any) -> Iterator[str]:
    if isinstance(parts, Expression):
        yield parts.text
    elif isinstance(parts, (dict, list)):
        for inner in parts.values() if isinstance(parts, dict) else parts:
            yield from _texts(inner)


def _filled(parts: Any, scope: Scope) -> Any:
    if isinstance(parts, dict):
        return {key: _filled(inner, scope) for key, inner in parts.items()}
    if isinstance(parts, list):
        return [_filled(inner, scope) for inner in parts]
    return parts.value(scope).value if isinstance(parts, Expression) else parts
