"""Models of the formats 4 and 5, and how today's format says the same."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from common.detection.checked import RETRAIN, damaged, section
from common.detection.pairs.evidence import EXCESSES, SPREADS
from common.detection.registry.artifacts import (
    DRIFT,
    FOREST,
    MEMBERS,
    MODEL,
    REPORT,
    check_parameters,
    described,
    detector_of,
)
from common.detection.registry.formats import FORMAT_VERSION, can_be_migrated, encoded, parsed, sha256
from common.detection.registry.pointer import MANIFEST
from common.detection.registry.tensors import Arrays, of_texts, packed, unpacked
from common.errors import ModelError
from tools.models.format_5 import coded
from tools.models.pickled_forest import pickled_forest

OLD_MODEL, OLD_EVIDENCE = "model.joblib", "evidence.json"
ARRAYS_5, MEMBERS_5 = "model.safetensors", "members.json"
OLD_FILES = {
    4: (OLD_MODEL, OLD_EVIDENCE, DRIFT, REPORT),
    5: (ARRAYS_5, MEMBERS_5, DRIFT, REPORT),
}
"""The files that a manifest of each format lists; the first one is the model file."""


def converted(manifest: dict[str, Any], content: Mapping[str, bytes], digest: str) -> dict[str, bytes]:
    """Today's files in place of an old model's forest, evidence and manifest; the same ones for the same model.

    `manifest` is the old one and `digest` its SHA-256; `content` has the files that it lists.

    Raises:
        ModelError: the model is of another format, was made with other constants, or is damaged.
    """
    version = manifest.get("format_version")
    today = upgraded(manifest)
    arrays, members = coded(*(_unpickled(content) if version == 4 else _of_format_5(content)))
    section(today, MANIFEST, "preprocessing", "score_quantiles")
    detector_of(today, arrays, members)
    made = {MODEL: packed(arrays), MEMBERS: encoded(members)}
    listed = described(made | {name: content[name] for name in (DRIFT, REPORT)})
    origin = {
        "format_version": version,
        "manifest_sha256": digest,
        "model_sha256": sha256(content[OLD_FILES[manifest["format_version"]][0]]),
    }
    return made | {MANIFEST: encoded(today | {"files": listed, "migrated_from": origin})}


def upgraded(manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest of format 4 or 5 with today's number.

    Raises:
        ModelError: it is of another format, or was made with other constants than this release has.
    """
    run_id, version = manifest.get("run_id"), manifest.get("format_version")
    if not can_be_migrated(manifest):
        raise ModelError(f"model {run_id} has format {version}, which cannot be migrated", RETRAIN)
    check_parameters(manifest, str(run_id))
    return manifest | {"format_version": FORMAT_VERSION}


def _of_format_5(content: Mapping[str, bytes]) -> tuple[Arrays, dict[str, Any]]:
    """The arrays and the JSON values of a model of format 5."""
    return unpacked(content[ARRAYS_5], ARRAYS_5), parsed(content[MEMBERS_5], MEMBERS_5)


def _unpickled(content: Mapping[str, bytes]) -> tuple[Arrays, dict[str, Any]]:
    """Those that format 5 has, of a model of format 4."""
    arrays, members = _evidence(parsed(content[OLD_EVIDENCE], OLD_EVIDENCE))
    forest = pickled_forest(content[OLD_MODEL])
    return arrays | {FOREST + name: array for name, array in forest.arrays().items()}, members


def _evidence(old: dict[str, Any]) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays and the JSON values of all members but the forest."""
    section(old, OLD_EVIDENCE, "groups", "tails", "pairs")
    members: dict[str, Any] = {"rarity": {name: old[name] for name in ("groups", "tails")}}
    arrays: dict[str, NDArray[Any]] = {}
    if old["pairs"]:
        of_pairs = section(old["pairs"], OLD_EVIDENCE, "pairs", "spread", "calibration")
        for member, amounts in (("pairs", EXCESSES), ("spread", SPREADS)):
            raw = section(of_pairs[member], OLD_EVIDENCE, "ceilings", "tails", "survivals")
            members[member] = {"tails": raw["tails"], "p_values": raw["survivals"]}
            for amount in amounts:
                arrays |= _maxima(section(raw["ceilings"], OLD_EVIDENCE, amount)[amount], member, amount, arrays)
        members["calibration"] = of_pairs["calibration"]
    return arrays, members


def _maxima(
    raw: dict[str, str], member: str, amount: str, before: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """The arrays of one amount's prior maxima; groups and hosts are those of the amounts before."""
    try:
        tables = {name: _table(text) for name, text in section(raw, amount).items()}
        groups, own = tables["groups"], tables["own"]
        kept = range(sum(name.startswith("value_") for name in groups.column_names))
        columns = [np.stack([groups[f"{name}_{n}"].to_numpy() for n in kept], axis=1) for name in ("value", "host")]
        common = of_texts(f"{member}.groups", groups["group"]) | of_texts(f"{member}.hosts", tables["hosts"]["host"])
        name = f"{member}.{amount}"
        found = {
            f"{name}.floors": tables["floors"]["floor"].to_numpy(),
            f"{name}.leaders": columns[0],
            f"{name}.leader_names": columns[1],
            f"{name}.own": own["value"].to_numpy(),
            **of_texts(f"{name}.own_keys", own["key"]),
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(f"{amount} of {OLD_EVIDENCE}") from error
    if any(key in before and not np.array_equal(before[key], array) for key, array in common.items()):
        raise damaged(f"the groups of {amount} in {OLD_EVIDENCE}")
    return common | found


def _table(text: str) -> pa.Table:
    """A table that old formats hold as text: an Arrow stream in base 64."""
    with pa.ipc.open_stream(pa.py_buffer(base64.b64decode(text))) as reader:
        return reader.read_all().combine_chunks()
