"""The reference of the settings, from the dataclasses that hold them."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from common.config.orchestration import OrchestrationParameters
from common.config.project import ProjectParameters, PublicationParameters
from common.config.redshift import RedshiftParameters
from common.config.training import EndpointParameters, TrainingParameters
from docs.generate.markdown import page, table

GROUPS: dict[str, type] = {
    "": ProjectParameters,
    "redshift": RedshiftParameters,
    "publication": PublicationParameters,
    "training": TrainingParameters,
    "training.endpoint": EndpointParameters,
    "orchestration": OrchestrationParameters,
}
INTRODUCTION = """\
A project's settings are a YAML file, on disk or in S3, or an item of a DynamoDB table; the first
stage on a lake takes them by `--parameters`, and [the lake knows them](../lake.md) from then on. A setting that is left out has its default; an unknown or wrong one is an error. Groups are mappings:

```yaml
time_zone: Europe/Berlin
segments: {10.1.0.0/24: servers, 10.2.0.0/16: offices}
training: {min_coverage: 0.9}
```"""
TITLES = {"": "Project", "orchestration": "orchestration, in the project file of the state machines"}
UNITS = {"seconds": "s", "minutes": "min", "hours": "hour of the day", "days": "days", "rows": "rows"}
SHARES = ("coverage", "share", "ratio", "score", "min", "max", "agreement")
TYPES = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def meanings(kind: type) -> dict[str, str]:
    """What each field means: the docstring below it in the class."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    found = {}
    for entry, following in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(entry, ast.AnnAssign) and isinstance(entry.target, ast.Name) and isinstance(following, ast.Expr):
            found[entry.target.id] = " ".join(str(ast.literal_eval(following.value)).split())
    return found


def render() -> str:
    """The page of all settings."""
    parts = [INTRODUCTION]
    for group, kind in GROUPS.items():
        parts += [f"## {TITLES.get(group, group)}", _about(kind), _table(group, kind)]
    return page("Settings", *parts)


def _about(kind: type) -> str:
    text = inspect.getdoc(kind) or ""
    return text.partition("\nRaises:")[0].strip()


def _table(group: str, kind: type) -> str:
    hints, texts = get_type_hints(kind), meanings(kind)
    rows = [
        (f"`{entry.name}`", _type(hints[entry.name]), _unit(entry.name, hints[entry.name]), _default(entry),
         texts[entry.name])
        for entry in fields(kind)
    ]  # fmt: skip
    return table(("setting", "type", "unit", "default", "meaning"), rows)


def _type(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _type(next(argument for argument in arguments if argument is not type(None)))
    if origin is tuple:
        return "list" if arguments[-1] is Ellipsis else f"list of {len(arguments)}"
    if origin is Mapping or is_dataclass(hint) or origin is not None:
        return "mapping"
    return TYPES[hint]


def _unit(name: str, hint: Any) -> str:
    last = name.rsplit("_", 1)[-1]
    if _type(hint) == "mapping" or name == "weekend_days":
        return ""
    return UNITS.get(last, "0 to 1" if hint is float and last in SHARES else "")


def _default(entry: Field[Any]) -> str:
    if entry.default is MISSING and entry.default_factory is MISSING:
        return "required"
    value = entry.default if entry.default_factory is MISSING else entry.default_factory()
    if value is None or value == {} or value == () or is_dataclass(value):
        return ""
    return f"`{json.dumps(value)}`"
