"""The identity of a lake: its project, its feature specification, and its settings.

The file `_lake.json` records it, so that a command needs only the lake. The settings are either recorded by value, or
by the source that they live in: then every run reads them there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeGuard

from common.config.loader import build
from common.config.project import ProjectParameters, load_project
from common.config.sources import DYNAMODB, read_parameters
from common.errors import LakeFormatError, LakeMismatchError

DIFFERENCES_SHOWN = 3
SHAPED = {
    "log_time_zone": "delta",
    "device_time_zones": "delta",
    "allowed_lateness_minutes": "delta",
    "open_sessions_days": "delta",
    "column_mapping": "delta",
    "columns": "delta",
    "internal_cidrs": "delta",
    "networks": "delta",
    "segments": "delta",
    "time_zone": "fg_a",
    "high_risk_segments": "fg_a",
    "working_hours": "fg_a",
    "off_hours": "fg_a",
    "weekend_days": "fg_a",
    "non_persistent_prefixes": "fg_b",
    "horizons": "fg_b",
    "model_horizon": "if_training",
    "pseudonyms": "mask",
}
"""The settings that shape what is in the lake, and the first stage that works with each.

They must be the same in every run. All others are about operation: a run may be given others than the lake has.
"""


@dataclass(frozen=True)
class LakeIdentity:
    """Whose lake it is, and where its settings are.

    `parameters` is `{"source": "dynamodb://<table>"}`, or `{"settings": {...}}`: the settings as they were given, those
    left out having their defaults.
    """

    project_name: str = "local"
    feature_spec_version: str = "v1"
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"settings": {}})

    @classmethod
    def parsed(cls, raw: Mapping[str, Any], place: str) -> LakeIdentity:
        """The identity that the content of the file at that place has.

        Raises:
            LakeFormatError: it has none, or a damaged one.
        """
        name, version, parameters = (raw.get(key) for key in ("project_name", "feature_spec_version", "parameters"))
        if name and version and isinstance(name, str) and isinstance(version, str) and _is_recorded(parameters):
            return cls(name, version, parameters)
        example = {"lake_format": raw.get("lake_format"), **asdict(cls("NAME"))}
        raise LakeFormatError(
            f"{place} does not say which project, feature specification and parameters the lake has",
            f"Restore it from a backup, or write it in this form: {example}".replace("'", '"'),
        )

    @classmethod
    def of(
        cls, project_name: str, feature_spec_version: str, source: str | None, overrides: Mapping[str, Any]
    ) -> LakeIdentity:
        """The identity of a lake whose settings come from that source; without one, they have their defaults.

        A table of DynamoDB is recorded as the source, a file by value, together with the overrides.

        Raises:
            ParameterError: the source is missing or unreadable, or a setting is unknown or invalid.
        """
        if source and source.startswith(DYNAMODB):
            return cls(project_name, feature_spec_version, {"source": source})
        settings = load_project(source, project_name, feature_spec_version, **overrides)
        return cls(project_name, feature_spec_version, {"settings": settings.given()})

    @property
    def source(self) -> str | None:
        """Where the settings live; None where they are recorded by value."""
        found: str | None = self.parameters.get("source")
        return found

    def raw_settings(self) -> Mapping[str, Any]:
        """The settings as they were given, read from their source."""
        if self.source:
            found: Mapping[str, Any] = read_parameters(self.source, self.project_name, self.feature_spec_version)
            return found
        recorded: Mapping[str, Any] = self.parameters["settings"]
        return recorded

    def settings(self, place: str) -> ProjectParameters:
        """The settings; the place names them in messages.

        Raises:
            ParameterError: the source is missing or unreadable, or a setting is unknown or invalid.
        """
        if self.source:
            return load_project(self.source, self.project_name, self.feature_spec_version)
        return build(ProjectParameters, self.raw_settings(), place)

    def to_dict(self) -> dict[str, Any]:
        """The identity as JSON values."""
        return asdict(self)


def differences(one: ProjectParameters, other: ProjectParameters) -> dict[str, tuple[Any, Any]]:
    """Both values of each setting that shapes what is in the lake and differs."""
    values = {name: (getattr(one, name), getattr(other, name)) for name in SHAPED}
    return {name: found for name, found in values.items() if found[0] != found[1]}


def require_same_names(lake_uri: str, own: LakeIdentity, project_name: str | None, version: str | None) -> None:
    """Refuses another project or feature specification than the lake has; None stands for the lake's.

    Raises:
        LakeMismatchError: one of them differs.
    """
    if project_name not in (None, own.project_name):
        raise LakeMismatchError(
            f"the lake {lake_uri} is of project {own.project_name!r}, but --project-name is {project_name!r}",
            "Leave the option out, or give each project a lake of its own. To rename the project: "
            f"ndr-lake configure --lake {lake_uri} --project-name {project_name}",
        )
    if version not in (None, own.feature_spec_version):
        raise LakeMismatchError(
            f"the lake {lake_uri} has feature specification {own.feature_spec_version!r}, but --feature-spec-version "
            f"is {version!r}",
            "Leave the option out, or make another lake",
        )


def require_same_settings(lake_uri: str, own: ProjectParameters, given: ProjectParameters, source: str) -> None:
    """Refuses settings that would give other rows than the lake has.

    Raises:
        LakeMismatchError: a setting that shapes what is in the lake differs.
    """
    found = differences(own, given)
    if not found:
        return
    shown = [f"{name} is {value!r}, in the lake {held!r}" for name, (held, value) in found.items()][:DIFFERENCES_SHOWN]
    more = f"; and {len(found) - len(shown)} more" if len(found) > len(shown) else ""
    raise LakeMismatchError(
        f"the settings of {source} differ from those of the lake {lake_uri}: {'; '.join(shown)}{more}",
        "Leave --parameters out, or change the lake's settings: "
        f"ndr-lake configure --lake {lake_uri} --parameters {source}",
    )


def require_same(lake_uri: str, held: LakeIdentity, expected: LakeIdentity) -> None:
    """Refuses a lake that another run has made in the meantime, for another project or with other settings.

    Raises:
        LakeMismatchError: they differ.
    """
    if held == expected:
        return
    require_same_names(lake_uri, held, expected.project_name, expected.feature_spec_version)
    own, given = held.settings(lake_uri), expected.settings("this run")
    require_same_settings(lake_uri, own, given, expected.source or "this run")


def _is_recorded(parameters: Any) -> TypeGuard[Mapping[str, Any]]:
    if not isinstance(parameters, dict) or len(parameters) != 1:
        return False
    source, settings = parameters.get("source"), parameters.get("settings")
    return isinstance(settings, dict) or (isinstance(source, str) and source.startswith(DYNAMODB))
