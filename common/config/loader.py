"""Typed settings from documents, with everything that is wrong in them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from common.config.documents import Document
from common.errors import ParameterError, one_line

Group = TypeVar("Group", bound=BaseModel)

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # or it looks for some in every installed package


class Settings(BaseModel):
    """A group of settings: values of exactly the types declared. The docstring of a field is its meaning.

    pydantic would read the docstrings of all groups whenever a command loads them, which takes most of that time;
    `common.config.schema` reads them where they are needed.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        serialize_by_alias=True,
        defer_build=True,  # until a command uses the group: a tenth of a second
    )

    def given(self) -> dict[str, Any]:
        """The settings that differ from the defaults or were given all the same, as JSON values."""
        return self.model_dump(mode="json", exclude_unset=True)

    def changed(self, source: str, values: Mapping[str, Any]) -> Self:
        """These settings with other values, which are checked; None stands for no change.

        Args:
            source: who wants the values, for messages.
            values: the values by name.

        Raises:
            ParameterError: a value is wrong.
        """
        wanted = {name: value for name, value in values.items() if value is not None}
        return build(type(self), self.given() | wanted, source) if wanted else self


def build(kind: type[Group], raw: Any, source: str) -> Group:
    """The settings with the values of the mapping, and defaults for the rest.

    Args:
        kind: the group of settings.
        raw: the parsed values, with lists for tuples.
        source: the source's name, for messages.

    Raises:
        ParameterError: names are unknown or missing, or values have the wrong type or are out of range; it names all.
    """
    return build_from(kind, Document(source, raw))


def build_from(kind: type[Group], document: Document) -> Group:
    """As `build`, from a document: messages name its lines."""
    settings, mistakes = None, None
    try:
        # as JSON, whose lists are tuples and whose mappings are groups, while every other value keeps its type
        settings = kind.model_validate_json(json.dumps(document.values))
    except ValidationError as error:
        mistakes = error
    except (TypeError, ValueError, RecursionError) as error:
        raise ParameterError(
            f"{document.source} cannot be written as JSON: {one_line(error)}",
            "Use texts, numbers, true, false, lists and mappings",
        ) from None
    if settings is None or document.repeated:
        from common.config.problems import raise_problems  # needs the JSON Schema, which takes a while to load

        raise_problems(document, kind, mistakes)
    return settings
