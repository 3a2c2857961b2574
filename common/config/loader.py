"""Typed, checked dataclasses from YAML or JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from common.errors import ParameterError

Group = TypeVar("Group")

S3_FOLDER = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\s'\\]*)?")
WANTED = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def build(kind: type[Group], raw: Any, source: str, prefix: str = "") -> Group:
    """The dataclass with the values of the mapping, and defaults for the rest.

    Args:
        kind: a dataclass whose fields are texts, numbers, booleans, tuples or mappings of these, or dataclasses.
        raw: the parsed values, with lists for tuples.
        source: the source's name, for messages.
        prefix: the group's name, for messages; empty at the top level.

    Raises:
        ParameterError: a name is unknown or missing, or a value has the wrong type or is out of range.
    """
    if not isinstance(raw, Mapping):
        named = f"project parameter {prefix} is {raw!r}" if prefix else "the project parameters are not a mapping"
        raise ParameterError(f"{source}: {named}", "Write one `name: value` per line")
    entries = {entry.name: entry for entry in fields(kind)}  # type: ignore[arg-type]  # kind is a dataclass
    dotted = f"{prefix}." if prefix else ""
    if unknown := sorted(str(name) for name in set(raw) - set(entries)):
        raise ParameterError(
            f"{source} has unknown project parameters: {', '.join(dotted + name for name in unknown)}",
            f"Known parameters: {', '.join(dotted + name for name in sorted(entries))}",
        )
    for name, entry in entries.items():
        if name not in raw and entry.default is MISSING and entry.default_factory is MISSING:
            raise ParameterError(f"{source} lacks the project parameter {dotted}{name}", "Add the parameter")
    hints = get_type_hints(kind)
    return kind(**{name: _converted(hints[name], value, source, dotted + name) for name, value in raw.items()})


def _converted(hint: Any, value: Any, source: str, name: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        inner = next(argument for argument in arguments if argument is not NoneType)
        return None if value is None else _converted(inner, value, source, name)
    if is_dataclass(hint):
        return build(hint, value, source, name)  # type: ignore[arg-type]  # a class, not an instance
    if origin is tuple:
        wanted = "a list" if arguments[-1] is Ellipsis else f"a list of {len(arguments)}"
        entries = _checked(list | tuple, value, source, name, wanted)
        if arguments[-1] is not Ellipsis and len(entries) != len(arguments):
            raise ParameterError(f"{source}: project parameter {name} is {value!r}", f"Give {wanted}")
        return tuple(_converted(arguments[0], entry, source, name) for entry in entries)
    if origin is not None:
        entries = _checked(Mapping, value, source, name, "a mapping")
        return {
            _checked(str, key, source, f"{name}, key", "a text"): _converted(
                arguments[1], entry, source, f"{name}.{key}"
            )
            for key, entry in entries.items()
        }
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is not bool and isinstance(value, bool):
        raise ParameterError(f"{source}: project parameter {name} is {value!r}", f"Give {WANTED[hint]}")
    return _checked(hint, value, source, name, WANTED[hint])


def _checked(kind: Any, value: Any, source: str, name: str, wanted: str) -> Any:
    if not isinstance(value, kind):
        raise ParameterError(f"{source}: project parameter {name} is {value!r}", f"Give {wanted}")
    return value


def s3_folder(value: str, name: str) -> str:
    """The s3:// URI without its trailing slash.

    Raises:
        ParameterError: it is not an s3:// URI.
    """
    if not S3_FOLDER.fullmatch(value):
        raise ParameterError(f"project parameter {name} is {value!r}", "Give a folder like s3://bucket/folder")
    return value.rstrip("/")
