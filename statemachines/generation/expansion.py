"""Puts fragments and parameters into the source of a state machine.

* `{use: <fragment>, with: {<parameter>: <value>}}` is the fragment. Further keys are added to it.
* `<<name>>` in a text is a parameter of the fragment around it, or another fragment; `<<name(a, b)>>` is a fragment
  with its parameters in order. As the whole text it may be any value, and in a list a list takes its place; as a key
  without a value, a mapping does.
* Lines of a block are joined by a space; those that hold nothing but a comment, `/* ... */`, are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from statemachines.generation.sources import Fragment, SourceError

_MACRO = re.compile(r"<<(\w+)(?:\(([^<>]*)\))?>>")
_ORDER = """Type Label Resource ItemReader ItemSelector MaxConcurrency ToleratedFailurePercentage ItemProcessor
    Arguments Choices Default Retry Catch Assign Output Next End""".split()  # noqa: SIM905 - a list of words

Scope = Mapping[str, Any]
Place = tuple[str, ...]


@dataclass(frozen=True)
class Machine:
    """The definition of a machine, and the names of its states by the step of the story that they belong to."""

    definition: dict[str, Any]
    steps: dict[str, list[str]]


class Expander:
    """Puts fragments into the sources of machines, and remembers which were used."""

    def __init__(self, fragments: Mapping[str, Fragment]) -> None:
        self._fragments = fragments
        self._used: set[str] = set()

    def unused(self) -> list[str]:
        """The names of the fragments that no machine has used so far."""
        return sorted(set(self._fragments) - self._used)

    def machine(self, source: Mapping[str, Any], file: str) -> Machine:
        """The machine of a source, whose `Steps` hold its states.

        Raises:
            SourceError: the source has no steps, two states have the same name, or a fragment is used wrongly.
        """
        titled = source.get("Steps")
        if not isinstance(titled, dict) or not all(isinstance(states, dict) for states in titled.values()):
            raise SourceError(
                f"{file} has no Steps with states", "Write the states below Steps and the title of a step"
            )
        steps = {title: self.expand(states, {}, (file, title)) for title, states in titled.items()}
        states: dict[str, Any] = {}
        for title, found in steps.items():
            _add(found, states, (file, title))
        head = {key: self.expand(value, {}, (file, key)) for key, value in source.items() if key != "Steps"}
        return Machine({**head, "States": states}, {title: list(found) for title, found in steps.items()})

    def expand(self, value: Any, scope: Scope, place: Place) -> Any:
        """The value with all fragments and parameters in it."""
        if isinstance(value, str):
            return self._text(value, scope, place)
        if isinstance(value, list):
            return self._list(value, scope, place)
        if isinstance(value, dict):
            return self._use(value, scope, place) if "use" in value else self._mapping(value, scope, place)
        if value is not None and not isinstance(value, bool | int | float):
            raise _error(place, f"{value} is a {type(value).__name__} in YAML, which JSON does not have", "Quote it")
        return value

    def _list(self, values: list[Any], scope: Scope, place: Place) -> list[Any]:
        found: list[Any] = []
        for value in values:
            expanded = self.expand(value, scope, place)
            spread = isinstance(expanded, list) and not isinstance(value, list)
            found += expanded if spread else [expanded]
        return found

    def _mapping(self, mapping: Mapping[str, Any], scope: Scope, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in mapping.items():
            name = self._text(str(key), scope, place)
            if isinstance(name, dict) and value is None:
                _add(name, found, place)
            elif self._is_several_states(value, place):
                _add(self._use(value, {**scope, "name": name}, (*place, name), name), found, place)
            else:
                _add({name: self.expand(value, scope, (*place, str(name)))}, found, place)
        return found

    def _is_several_states(self, value: Any, place: Place) -> bool:
        return isinstance(value, dict) and "use" in value and self._named(value["use"], place).holds_states

    def _use(self, call: Mapping[str, Any], scope: Scope, place: Place, name: str | None = None) -> Any:
        """The fragment that a mapping uses, and what the mapping adds to it."""
        fragment = self._named(call["use"], place)
        if not isinstance(call.get("with", {}), dict):
            raise _error(place, f"with is {call['with']!r}", "Write it as parameter: value")
        given = self.expand(call.get("with", {}), scope, (*place, "with"))
        added = {key: value for key, value in call.items() if key not in ("use", "with")}
        if fragment.holds_states != (name is not None):
            raise _error(place, f"{fragment.name} contains several states", "Use it in place of one state")
        body = self._body(fragment, given, {} if name is None else {"name": name}, place)
        if not added:
            return body
        if fragment.holds_states or not isinstance(body, dict):
            raise _error(place, f"nothing can be added to {fragment.name}", f"Remove {', '.join(added)}")
        body = dict(body)
        _add(self._mapping(added, scope, place), body, place)
        return {key: body[key] for key in sorted(body, key=lambda key: _ORDER.index(key) if key in _ORDER else -1)}

    def _body(self, fragment: Fragment, given: Scope, implied: Scope, place: Place) -> Any:
        if unknown := [name for name in given if name not in fragment.parameters]:
            raise _error(place, f"{fragment.name} has no parameter {', '.join(unknown)}", _takes(fragment))
        if missing := [name for name in fragment.parameters if name not in {**fragment.defaults, **given}]:
            raise _error(place, f"{fragment.name} needs the parameter {', '.join(missing)}", _takes(fragment))
        inside = f"{fragment.name} ({fragment.file})"
        if inside in place:
            raise _error(place, f"{fragment.name} uses itself", "Remove the cycle")
        self._used.add(fragment.name)
        scope = {**given, **implied}
        for name, default in fragment.defaults.items():
            if name not in scope:
                scope[name] = self.expand(default, scope, (*place, inside, name))
        if callable(fragment.body):
            try:
                return fragment.body(**scope)
            except SourceError as error:
                raise _error(place, error.problem, error.remedy) from None
        return self.expand(fragment.body, scope, (*place, inside))

    def _text(self, text: str, scope: Scope, place: Place) -> Any:
        line = _one_line(text)
        if whole := _MACRO.fullmatch(line):
            return self._macro(whole, scope, place)
        if any(mark in _MACRO.sub("", line) for mark in ("<<", ">>")):
            raise _error(place, f"{line!r} has << or >> alone", "Write <<name>> or <<name(value, value)>>")
        return _MACRO.sub(lambda match: _as_text(self._macro(match, scope, place), match[0], place), line)

    def _macro(self, match: re.Match[str], scope: Scope, place: Place) -> Any:
        name, arguments = match[1], match[2]
        if arguments is None and name in scope:
            return scope[name]
        fragment = self._named(name, place)
        values = arguments.split(", ") if arguments else []
        if fragment.holds_states or len(values) > len(fragment.parameters):
            raise _error(place, f"{match[0]} does not fit {name}", _takes(fragment))
        return self._body(fragment, dict(zip(fragment.parameters, values, strict=False)), {}, place)

    def _named(self, name: Any, place: Place) -> Fragment:
        if str(name) not in self._fragments:
            known = get_close_matches(str(name), self._fragments, n=1) or sorted(self._fragments)
            raise _error(place, f"there is no fragment or parameter {name}", f"Did you mean {' or '.join(known)}?")
        return self._fragments[str(name)]


def _takes(fragment: Fragment) -> str:
    if fragment.holds_states:
        return f"It takes the place of a state, and the parameters {', '.join(fragment.parameters) or 'none'}"
    return f"It takes the parameters {', '.join(fragment.parameters)}" if fragment.parameters else "It takes none"


def _add(new: Mapping[str, Any], to: dict[str, Any], place: Place) -> None:
    if clash := sorted(set(new) & set(to)):
        raise _error(place, f"{', '.join(clash)} is defined twice", "Rename one, or remove it")
    to.update(new)


def _one_line(text: str) -> str:
    """The lines without their indentation and without lines of comments, joined by a space."""
    lines = [line.strip() for line in text.splitlines()]
    return " ".join(line for line in lines if line and not (line.startswith("/*") and line.endswith("*/")))


def _as_text(value: Any, macro: str, place: Place) -> str:
    """The value as it stands inside a text; a list of texts as JSONata writes it."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "[" + ", ".join(f"'{item}'" for item in value) + "]"
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise _error(place, f"{macro} is not text but {type(value).__name__}", "Use it as a value of its own")


def _error(place: Place, problem: str, remedy: str) -> SourceError:
    return SourceError(f"{' > '.join(place)}: {problem}", remedy)
