"""The lake that a command works on, with its pseudonyms, and what every reason must be."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from common.config.project import ProjectParameters
from common.errors import InputError
from common.features.spec import load_spec
from common.lake.lake import Lake
from common.lake.lake_format import known_record
from common.privacy.keys import pseudonyms_at, pseudonyms_of
from common.privacy.names import quoting
from common.privacy.pseudonyms import Pseudonyms
from common.runtime.lake_project import lake_identity, lake_project


@dataclass(frozen=True)
class Opened:
    """A lake, its settings, and the pseudonyms of its keys; None where it has none."""

    lake: Lake
    settings: ProjectParameters
    pseudonyms: Pseudonyms | None


def lake_of(lake_uri: str) -> Lake:
    """The lake, for a command that needs neither settings nor keys.

    Raises:
        LakeFormatError: it is no lake of this release.
    """
    lake = Lake.opened(lake_uri, load_spec(lake_identity(lake_uri).feature_spec_version))
    known_record(lake)
    return lake


def opened(lake_uri: str, keys: str | None = None) -> Opened:
    """The lake with the keys of that place, or else of its settings.

    Raises:
        LakeFormatError: it is no lake of this release.
        PseudonymKeyError: the keys cannot be read, others can read them, or the one that is used is another one.
    """
    project = lake_project(lake_uri)
    lake = Lake.opened(lake_uri, load_spec(project.feature_spec_version))
    known_record(lake)
    own = project.settings.pseudonyms
    if keys is not None:
        return Opened(lake, project.settings, pseudonyms_at(keys))
    return Opened(lake, project.settings, pseudonyms_of(own) if own else None)


def require_reason(reason: str, names: Collection[str]) -> str:
    """The reason, which goes to a log that takes no names.

    Raises:
        InputError: it is empty, or has one of the names.
    """
    if not reason.strip():
        raise InputError("the reason is empty", "Say why with --reason: a ticket, a request, a case")
    if names and quoting(names).search(reason):
        raise InputError(
            "the reason names the person, and the log of reasons takes no names",
            "Give the number of the ticket or request instead",
        )
    return reason.strip()
