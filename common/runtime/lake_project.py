"""The project that a command works for: what the lake says, with which the given options must agree."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import click

from common.config.project import ProjectParameters, load_project
from common.config.sources import DYNAMODB
from common.display import on_terminal
from common.lake.identity import LakeIdentity, require_same_names, require_same_settings
from common.lake.lake_format import follow_source, read_record

OPTIONS = ("project_name", "feature_spec_version", "parameters_path")
FROM_LAKE = "lake"
DEFAULTS = "defaults"


@dataclass(frozen=True)
class LakeProject:
    """Project, feature specification and settings of a run.

    `parameters` says where the settings are from: `lake`, the source that was given, or `defaults`. `identity` is what
    the lake has, or what it gets with its first table.
    """

    identity: LakeIdentity = field(default_factory=LakeIdentity)
    settings: ProjectParameters = field(default_factory=ProjectParameters)
    parameters: str = DEFAULTS

    @property
    def name(self) -> str:
        """The project."""
        return self.identity.project_name

    @property
    def feature_spec_version(self) -> str:
        """The version of its feature specification."""
        return self.identity.feature_spec_version


def lake_project(
    lake_uri: str,
    project_name: str | None = None,
    feature_spec_version: str | None = None,
    parameters: str | None = None,
    **overrides: str | None,
) -> LakeProject:
    """The project of the lake; of a new lake, the one that the options name. On a terminal, one line says which.

    Args:
        lake_uri: the lake.
        project_name: the project; None is the lake's, or `local` for a new one.
        feature_spec_version: the feature specification; None is the lake's, or `v1` for a new one.
        parameters: the source of the settings; None is the lake's, or the defaults for a new one.
        **overrides: settings given on the command line that a new lake keeps; None is not given.

    Raises:
        LakeFormatError: the lake is of another format, or its record is damaged.
        LakeMismatchError: an option differs from what the lake has.
        ParameterError: the source is missing or unreadable, or a setting is unknown or invalid.
    """
    identity, is_new = _identity(lake_uri, project_name, feature_spec_version)
    if is_new:
        given = {name: value for name, value in overrides.items() if value is not None}
        identity = LakeIdentity.of(identity.project_name, identity.feature_spec_version, parameters, given)
        found = LakeProject(identity, identity.settings(str(parameters)), parameters or DEFAULTS)
    else:
        settings = _given_settings(lake_uri, identity, parameters) if parameters else identity.settings(lake_uri)
        found = LakeProject(identity, settings, parameters or FROM_LAKE)
    origin = {FROM_LAKE: "settings of the lake", DEFAULTS: "default settings"}.get(found.parameters)
    _say(identity, f", {origin or f'settings of {found.parameters}'}")
    return found


def lake_identity(
    lake_uri: str, project_name: str | None = None, feature_spec_version: str | None = None
) -> LakeIdentity:
    """The identity of the lake, for a command that needs no settings: their source is not read.

    Raises:
        LakeFormatError: the lake is of another format, or its record is damaged.
        LakeMismatchError: an option differs from what the lake has.
    """
    identity, _ = _identity(lake_uri, project_name, feature_spec_version)
    _say(identity)
    return identity


def with_lake_project(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a stage, with the project of its lake in place of the options that name it.

    Raises:
        NdrError: as `lake_project`.
    """
    lake_uri, source = options["lake_uri"], options["parameters_path"]
    wanted = (options[name] for name in OPTIONS)
    found = lake_project(lake_uri, *wanted, log_time_zone=options.get("log_time_zone"))
    if source and source.startswith(DYNAMODB):
        follow_source(lake_uri, found.identity, source)
    return {name: value for name, value in options.items() if name not in OPTIONS} | {"lake_project": found}


def _identity(lake_uri: str, project_name: str | None, feature_spec_version: str | None) -> tuple[LakeIdentity, bool]:
    """What the lake is, or else what the options name; and whether the lake is new."""
    record = read_record(lake_uri)
    if record is None:
        default = LakeIdentity()
        name, version = project_name or default.project_name, feature_spec_version or default.feature_spec_version
        return LakeIdentity(name, version), True
    identity = record.require_known(lake_uri)
    require_same_names(lake_uri, identity, project_name, feature_spec_version)
    return identity, False


def _given_settings(lake_uri: str, identity: LakeIdentity, source: str) -> ProjectParameters:
    """The settings of the source, which must give the rows that the lake's give."""
    settings = load_project(source, identity.project_name, identity.feature_spec_version)
    if source != identity.source:
        require_same_settings(lake_uri, identity.settings(lake_uri), settings, source)
    return settings


def _say(identity: LakeIdentity, more: str = "") -> None:
    if sys.stderr.isatty():
        line = f"project {identity.project_name}, feature specification {identity.feature_spec_version}{more}"
        click.echo(on_terminal(line), err=True)
