"""The JSON Schema of settings, and what it says in words."""

from __future__ import annotations

import ast
import inspect
import json
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from common.config.documents import ValuePath

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}


class _Generator(GenerateJsonSchema):
    """Describes fields by their docstrings, without titles, and refuses keys that no pattern matches."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never."""
        return False

    def model_schema(self, schema: Any) -> Schema:
        """The schema of a group."""
        return _described(super().model_schema(schema), schema["cls"])

    def dataclass_schema(self, schema: Any) -> Schema:
        """The schema of a group that is a dataclass."""
        return _described(super().dataclass_schema(schema), schema["cls"])

    def dict_schema(self, schema: Any) -> Schema:
        """The schema of a mapping, with that of its keys."""
        found: Schema = super().dict_schema(schema)
        for values in found.pop("patternProperties", {}).values():
            found |= {"propertyNames": self.generate_inner(schema["keys_schema"]), "additionalProperties": values}
        return found


def _described(found: Schema, kind: type) -> Schema:
    """The schema with what the docstrings of the fields say."""
    fields = kind.model_fields if issubclass(kind, BaseModel) else {}
    for name, meaning in _meanings(kind).items():
        alias = fields[name].alias if name in fields else None
        found["properties"][alias or name]["description"] = meaning
    return found


def _meanings(kind: type) -> dict[str, str]:
    """The docstring of each field, from the source of the class and its bases."""
    found = {}
    for part in reversed(kind.__mro__):
        if part.__module__.startswith("common."):
            (declared,) = ast.parse(inspect.getsource(part)).body
            for field, text in pairwise(declared.body) if isinstance(declared, ast.ClassDef) else ():
                match field, text:
                    case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(meaning))):
                        found[name] = inspect.cleandoc(meaning)
    return found


@cache
def schema_of(kind: type[BaseModel]) -> Schema:
    """The JSON Schema of the settings; `errorMessage` is what editors show in place of a pattern."""
    return {"$schema": DIALECT, **kind.model_json_schema(schema_generator=_Generator)}


def at(schema: Schema, path: ValuePath) -> Schema:
    """The part of the schema that describes the value; empty if no value can be there."""
    found = resolved(schema, schema)
    for step in path:
        if isinstance(step, int):
            entries = found.get("prefixItems", [])
            found = entries[step] if step < len(entries) else found.get("items", {})
        else:
            found = found.get("properties", {}).get(step) or found.get("additionalProperties") or {}
        found = resolved(schema, found)
    return found


def resolved(schema: Schema, part: Schema) -> Schema:
    """The part without null, and with what it refers to."""
    for option in part.get("anyOf", ()):
        if option != {"type": "null"}:
            part = option | {name: value for name, value in part.items() if name != "anyOf"}
    name: str = part.get("$ref", "").rpartition("/")[2]
    return schema["$defs"][name] | part if name else part


def wanted(part: Schema) -> str:
    """What the part of a schema takes: `a whole number from 0 to 24`."""
    if "errorMessage" in part or "enum" in part:
        return range_of(part)
    if "prefixItems" in part:
        return f"a list of {len(part['prefixItems'])}"
    kind, limits = TYPES[part["type"]], limits_of(part)
    if part.get("minLength") or part.get("minItems"):
        return f"{kind} that is not empty"
    between = " " if limits.startswith(("from", "above", "at most")) else ", " if limits else ""
    return f"{kind}{between}{limits}"


def range_of(part: Schema) -> str:
    """The values that the part of a schema allows, of those of its type; of a list, the values of each entry."""
    if message := part.get("errorMessage"):
        return str(message).removeprefix("Give ")
    if "enum" in part:
        return " or ".join(map(str, part["enum"]))
    if part["type"] == "array":
        each = range_of((part.get("prefixItems") or [part["items"]])[0])
        return f"each {each}" if each else ""
    return limits_of(part).removeprefix("from ")


def limits_of(part: Schema) -> str:
    """The limits of a number: `from 0 to 24`, `1 or more`; "" without any."""
    least, most, above = (part.get(name) for name in ("minimum", "maximum", "exclusiveMinimum"))
    if least is not None and most is not None:
        return f"from {least} to {most}"
    words = [f"above {above}"] * (above is not None) + [f"{least} or more"] * (least is not None)
    return ", ".join(words + [f"at most {most}"] * (most is not None))


def schema_text(kind: type[BaseModel]) -> str:
    """The JSON Schema as the text of a file."""
    return json.dumps(schema_of(kind), indent=2) + "\n"
