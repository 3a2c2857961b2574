"""Checks files of settings, and describes them to editors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from common.config.documents import Document, dotted
from common.config.loader import Settings, build_from
from common.config.project import ProjectParameters
from common.config.project_file import ProjectFile
from common.config.schema import schema_text
from common.config.sources import read_file
from common.runtime.rows import print_rows
from tools.settings.config import KINDS

TYPES: dict[str, type[Settings]] = dict(zip(KINDS, (ProjectFile, ProjectParameters), strict=True))
WORDS = {ProjectFile: "a project file", ProjectParameters: "project parameters"}
COLUMNS = ("setting", "value", "default")


def check(source: str, form: str) -> None:
    """Prints the settings of the file that differ from the defaults, one row each.

    Raises:
        ParameterError: the file cannot be read, or a setting is wrong.
    """
    document = read_file(source)
    kind = kind_of(document)
    rows = list(differences(build_from(kind, document)))
    print_rows(rows, form, COLUMNS)
    click.echo(f"{source}: {WORDS[kind]}, valid; settings that differ from the defaults: {len(rows)}", err=True)


def schema(kind: str) -> None:
    """Prints the JSON Schema of the kind of file."""
    click.echo(schema_text(TYPES[kind]), nl=False)


def kind_of(document: Document) -> type[Settings]:
    """What the file is: a project file if it has one of its names at the top."""
    names = set(document.values) if isinstance(document.values, dict) else set()
    return ProjectFile if names & set(ProjectFile.model_fields) else ProjectParameters


def differences(settings: Settings, path: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    """The settings that were given and differ from their defaults, with those of groups in it."""
    given = settings.given()
    for field_name, field in type(settings).model_fields.items():
        name = field.alias or field_name
        value, default = getattr(settings, field_name), field.get_default(call_default_factory=True)
        if isinstance(value, Settings):
            yield from differences(value, (*path, name))
        elif name in given and value != default:
            shown = None if field.is_required() else default
            yield dict(zip(COLUMNS, (dotted((*path, name)), given[name], shown), strict=True))
