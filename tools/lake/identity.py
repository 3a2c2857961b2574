"""Shows what a lake is: its project, feature specification and parameters; and changes this record deliberately."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import click

from common.config.project import ProjectParameters
from common.errors import InputError, NdrError
from common.features.spec import load_spec
from common.lake.identity import SHAPED, LakeIdentity
from common.lake.lake_format import FILE, LAKE_FORMAT, read_record, replace_record
from common.lake.publications import MEMBERS
from common.lake.publications import TABLE as PUBLICATIONS
from common.lake.reader import LakeReader
from common.storage.files import Folder

DEFAULT = "default"
NAMED = "if_training"
"""The first stage whose results carry the name of the project."""
MADE_BY = {
    "delta": (
        "sessions_rejected",
        "session_keys",
        "sessions",
        "open_sessions",
        "log_volume",
        "delta_pair",
        "delta_host",
    ),
    "pair_counts": ("pair_counts",),
    "fg_a": ("pair_days", "fg_a"),
    "fg_b": (*MEMBERS, PUBLICATIONS),
    "fg_c": ("fg_c",),
    "if_training": (),
    "inference": ("predictions",),
    "join": ("prediction_join",),
}
"""The tables of each stage; a stage works with what those before it have made."""
MASK = "mask"
MASKED = ("sessions_rejected", "sessions", "open_sessions", "fg_b/ip_metadata")
"""What `ndr-privacy mask` changes, and nothing else with it."""


def info(lake_uri: str) -> None:
    """Prints what the lake is.

    Raises:
        InputError: the lake has no record.
        LakeFormatError: it is of another format.
    """
    lake, identity = _lake(lake_uri)
    state = {
        "lake": lake.uri,
        "lake_format": LAKE_FORMAT,
        "project_name": identity.project_name,
        "feature_spec_version": identity.feature_spec_version,
        "parameters": identity.parameters if identity.source else {"settings": _not_default(identity)},
        "tables": sum(lake.exists(name) for name in lake.names),
    }
    click.echo(json.dumps(state, indent=1))


def configure(lake_uri: str, project_name: str | None, parameters: str | None) -> None:
    """Records another project name, or other parameters; prints what changed, and what is to be made again.

    Raises:
        InputError: the lake has no record.
        LakeFormatError: it is of another format.
        ParameterError: the source is missing or unreadable, or a setting is unknown or invalid.
    """
    if project_name is None and parameters is None:
        raise click.UsageError("Give --parameters or --project-name: what is to change")
    lake, held = _lake(lake_uri)
    wanted = replace(held, project_name=project_name or held.project_name)
    if parameters:
        wanted = LakeIdentity.of(wanted.project_name, held.feature_spec_version, parameters, {})
    changed, stages = _changes(lake.uri, held, wanted)
    if wanted != held:
        replace_record(lake.uri, wanted)
    state = {"lake": lake.uri, "changed": changed, "made_with_the_former": _made(lake, held.project_name, stages)}
    click.echo(json.dumps(state, indent=1))


def _changes(place: str, held: LakeIdentity, wanted: LakeIdentity) -> tuple[dict[str, Any], set[str]]:
    """What differs, by name, and the stages that work with it.

    Former settings that cannot be read any more may differ in everything.
    """
    changed: dict[str, Any] = {}
    stages: set[str] = set()
    if wanted.project_name != held.project_name:
        changed["project_name"] = {"from": held.project_name, "to": wanted.project_name}
        stages.add(NAMED)
    if wanted.source != held.source:
        changed["source"] = {"from": held.source, "to": wanted.source}
    settings = wanted.settings(place)
    try:
        former, former_raw = held.settings(place), held.raw_settings()
    except NdrError as error:
        return changed | {"settings": {"from": f"not known: {error.problem}"}}, set(SHAPED.values())
    raw = wanted.raw_settings()
    for name in _different(former, settings):
        changed[name] = {"from": former_raw.get(name, DEFAULT), "to": raw.get(name, DEFAULT)}
    return changed, stages | {SHAPED[name] for name in changed if name in SHAPED}


def _different(one: ProjectParameters, other: ProjectParameters) -> list[str]:
    return [name for name, value in vars(one).items() if getattr(other, name) != value]


def _made(lake: LakeReader, project_name: str, stages: set[str]) -> list[str]:
    """The tables of the lake that the first of these stages and those after it have made, and the models."""
    found = [name for name in MASKED if MASK in stages and lake.exists(name)]
    if again := stages - {MASK}:
        order = list(MADE_BY)
        first = min(order.index(stage) for stage in again)
        made = [name for stage in order[first:] for name in MADE_BY[stage] if lake.exists(name)]
        models = f"models/{project_name}"
        found = [*dict.fromkeys([*made, *([models] if Folder(lake.uri).list(models) else []), *found])]
    return found


def _not_default(identity: LakeIdentity) -> dict[str, Any]:
    raw = identity.raw_settings()
    return {name: raw[name] for name in _different(ProjectParameters(), identity.settings("the lake")) if name in raw}


def _lake(lake_uri: str) -> tuple[LakeReader, LakeIdentity]:
    record = read_record(lake_uri)
    if record is None:
        raise InputError(f"{lake_uri} has no {FILE}", "Check --lake; if it has tables, run ndr-lake migrate")
    identity = record.require_known(lake_uri)
    return LakeReader(lake_uri, load_spec(identity.feature_spec_version)), identity
