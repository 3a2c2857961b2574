"""What is wrong in settings, in words: each problem with its place, its name, its value and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

from common.config.documents import Document, Position, ValuePath, dotted
from common.config.schema import Schema, at, resolved, schema_of, wanted
from common.display import in_json
from common.errors import ParameterError, ParametersError

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

MOST_SHOWN = 20
LONGEST_VALUE = 80
UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong."""

    position: Position | None
    error: ParameterError


def raise_problems(document: Document, kind: type[BaseModel], error: ValidationError | None) -> NoReturn:
    """Raises all that is wrong in the document as one error, in the order of the file.

    Raises:
        ParameterError: always.
    """
    problems = [*_repeated_keys(document), *(_problems_of(error, document, kind) if error else ())]
    found = sorted(problems, key=lambda problem: problem.position or Position(0, 0))
    if len(found) == 1:
        raise found[0].error
    lines = [str(problem.error) for problem in found[:MOST_SHOWN]]
    if len(found) > MOST_SHOWN:
        lines.append(f"... and {len(found) - MOST_SHOWN} more")
    raise ParametersError(f"{document.source} has {len(found)} mistakes", lines)


def _repeated_keys(document: Document) -> list[Problem]:
    """The keys that a mapping of the document has twice."""
    return [
        Problem(
            one.again,
            ParameterError(
                f"{document.source}:{one.again.line}:{one.again.column}: {one.name} is given twice, first in line "
                f"{one.first.line}",
                "Remove one of them",
            ),
        )
        for one in document.repeated
    ]


def _problems_of(error: ValidationError, document: Document, kind: type[BaseModel]) -> list[Problem]:
    """The problems that pydantic found in the document."""
    schema, found = schema_of(kind), error.errors(include_url=False)
    places = [details["loc"] for details in found]
    return [
        _problem(details, document, schema)
        for details in found
        # a list that is too short for want of right entries: the wrong ones are problems of their own
        if details["type"] != "too_short" or not any(place[:-1] == details["loc"] for place in places)
    ]


def _problem(details: ErrorDetails, document: Document, schema: Schema) -> Problem:
    path = tuple(step for step in details["loc"] if step != "[key]")
    problem, remedy = _words(details, path, schema)
    is_key = details["loc"][-1:] == ("[key]",)
    name = document.name(path[:-1] if is_key else path) or "the top level"
    return Problem(document.position(path), ParameterError(f"{document.place(path)}: {name} {problem}", remedy))


def _words(details: ErrorDetails, path: ValuePath, schema: Schema) -> tuple[str, str]:
    """What is wrong with the value, and the remedy."""
    kind, value, part = details["type"], details["input"], at(schema, path)
    if kind in UNKNOWN:
        return "is unknown", _known(str(path[-1]), path[:-1], schema)
    if kind == "missing":
        return "is missing", f"Add it: {wanted(part)}"
    if kind == "wrong":
        return details["msg"], str(details["ctx"]["remedy"])
    if details["loc"][-1:] == ("[key]",):
        return f"has the key {_shown(path[-1])}", f"Give {_of_keys(at(schema, path[:-1]))}"
    if not part:
        return f"cannot be read: {details['msg']}", "Correct it"
    reason = f": {details['ctx']['error']}" if kind == "value_error" else ""
    return f"is {_shown(value)}{reason}", f"Give {wanted(part)}{_hint(value, part)}"


def _hint(value: Any, part: Schema) -> str:
    if isinstance(value, str) and part.get("type") in ("integer", "number"):
        return ", in plain digits without quotes"
    if isinstance(value, bool | int | float) and part.get("type") == "string":
        return f', or put it in quotes: "{_shown(value)}"'
    return "" if part.get("type") != "object" or isinstance(value, dict) else ": one `name: value` per line"


def _shown(value: Any) -> str:
    text = in_json(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."


def _of_keys(part: Schema) -> str:
    return wanted({"type": "string"} | part.get("propertyNames", {}))


def _known(name: str, group: ValuePath, schema: Schema) -> str:
    """The remedy for an unknown name: one that looks alike, the group that has it, or all names of its group."""
    known = at(schema, group).get("properties", {})
    if alike := get_close_matches(name, known, n=1):
        return f"Did you mean {dotted((*group, alike[0]))}?"
    if owners := [dotted((*other, name)) for other, part in _groups(schema, schema, ()) if name in part["properties"]]:
        return f"Write it as {' or '.join(owners)}"
    return f"Known here: {', '.join(sorted(known))}"


def _groups(schema: Schema, part: Schema, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """The groups of the settings, with their paths."""
    part = resolved(schema, part)
    if "properties" in part:
        yield path, part
        for name, inner in part["properties"].items():
            yield from _groups(schema, inner, (*path, name))
