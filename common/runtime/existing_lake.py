"""The lake of a command that reads what is there and needs no settings."""

from __future__ import annotations

from common.features.spec import load_spec
from common.lake.lake import Lake
from common.lake.lake_format import known_record
from common.runtime.lake_project import lake_identity


def existing_lake(lake_uri: str, feature_spec_version: str | None) -> Lake:
    """The lake, which must be there; with a specification, which must be the lake's.

    Raises:
        InputError: it has neither record nor tables.
        LakeFormatError: it is of another format, or its record is damaged.
        LakeMismatchError: it has another specification.
        StorageError: it cannot be read.
    """
    identity = lake_identity(lake_uri, feature_spec_version=feature_spec_version)
    lake = Lake.opened(lake_uri, load_spec(identity.feature_spec_version))
    known_record(lake)
    return lake
