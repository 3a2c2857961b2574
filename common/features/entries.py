"""Entries of a specification file as dataclasses; what is wrong is named with its file, its place and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeVar, get_type_hints

import yaml

from common.errors import SpecError

T = TypeVar("T")

SCALARS = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}


@dataclass(frozen=True)
class SpecFile:
    """A specification file, by the path that errors name."""

    path: str

    def error(self, place: str, problem: str, remedy: str) -> SpecError:
        """The error for a place in the file."""
        return SpecError(f"{self.path}, {place}: {problem}", remedy)

    def parse(self, text: str) -> dict[str, Any]:
        """The sections of the file.

        Raises:
            SpecError: the text is not YAML, or not a mapping.
        """
        try:
            raw = yaml.load(text, yaml.CSafeLoader)  # a tenth of the time of its Python twin
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise self.error(
                f"line {line}", f"not YAML: {error.problem}", "Put quotes around text with , : # or brackets"
            ) from error
        return self.mapping(raw, "the top")

    def mapping(self, entry: Any, place: str) -> dict[str, Any]:
        """The entry, which must map names to something."""
        if not isinstance(entry, dict) or not all(isinstance(key, str) for key in entry):
            raise self.error(place, f"{entry!r} does not map names to values", "Use the form {name: value, ...}")
        return entry

    def section(self, raw: Mapping[str, Any], path: str, kind: type[T]) -> T:
        """The section of a dotted path, of that type.

        Raises:
            SpecError: it is missing or of another type.
        """
        found: Any = raw
        for name in path.split("."):
            if name not in self.mapping(found, path):
                raise self.error(path, "missing", f"Add {path}; another version of the file shows how")
            found = found[name]
        if kind is float and isinstance(found, int) and not isinstance(found, bool):
            found = float(found)
        if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
            raise self.error(
                path, f"{found!r} is of the wrong type", f"Write {SCALARS.get(kind, f'a {kind.__name__}')}"
            )
        return found

    def build(self, cls: type[T], entry: Any, place: str, **known: Any) -> T:
        """The entry as an instance of the dataclass; `known` are fields that the entry does not hold.

        Raises:
            SpecError: a field is missing, unknown or of the wrong type.
        """
        values = self.mapping(entry, place)
        declared = {field.name: field for field in fields(cls) if field.name not in known}  # type: ignore[arg-type]
        hints = get_type_hints(cls)
        for name in values:
            if name not in declared:
                raise self.error(
                    place, f"unknown field {name!r}{nearest(name, declared)}", f"Known: {listed(declared)}"
                )
        for name, field in declared.items():
            if name not in values and field.default is MISSING and field.default_factory is MISSING:
                raise self.error(place, f"field {name!r} is missing", f"Add {name}: ...")
        return cls(
            **known, **{name: self._value(hints[name], value, f"{place}, {name}") for name, value in values.items()}
        )

    def _value(self, kind: Any, value: Any, place: str) -> Any:
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if kind in SCALARS and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
            raise self.error(place, f"{value!r} is not {SCALARS[kind]}", f"Write {SCALARS[kind]}")
        return value


def nearest(name: str, known: Collection[str]) -> str:
    """A hint at the known names that look most alike: ` (did you mean deny_cnt?)`; "" where none does."""
    found = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    return f" (did you mean {' or '.join(found)}?)" if found else ""


def listed(names: Collection[str]) -> str:
    """The names, separated by commas."""
    return ", ".join(names)
