"""Models as earlier releases wrote them, made from models of today and the estimators that these were grown with."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import joblib
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from common.arrays import Matrix
from common.detection.members.estimator import forest_of
from common.detection.members.member import ForestParameters
from common.detection.members.trees import Forest
from common.detection.pairs.evidence import EXCESSES, SPREADS
from common.detection.registry.formats import encoded, sha256
from common.detection.registry.pointer import ArtifactStore
from common.detection.registry.tensors import texts_in, unpacked
from jobs.if_training.growing import grow_estimator

ENSEMBLE = {
    "clip": 6.0, "forest_weight": 0.25, "matrix_weight": 0.25, "spread_weight": 0.25, "pair_prior_rows": 100.0,
    "evidence_strongest": 2, "evidence_decades_max": 4.0,
}  # fmt: skip
OLD_FILES = ("model.joblib", "evidence.json", "drift.json", "report.json")


class Grower:
    """Grows forests, and keeps the last estimator."""

    last: IsolationForest

    def __call__(self, matrix: Matrix, parameters: ForestParameters) -> Forest:
        """The forest of the estimator."""
        self.last = grow_estimator(matrix, parameters)
        return forest_of(self.last)


def write_old(store: ArtifactStore, run_id: str, estimator: Any, version: int, **differs: Any) -> None:
    """Puts a run back into format 3 or 4, and the digests of the pointer with it."""
    manifest = json.loads(store.read(f"{run_id}/manifest.json"))
    if manifest["format_version"] == 5:
        buffer = io.BytesIO()
        joblib.dump(estimator, buffer, compress=0)
        store.write(f"{run_id}/model.joblib", buffer.getvalue())
        store.write(f"{run_id}/evidence.json", encoded(_evidence(store, run_id)))
        for name in ("model.safetensors", "members.json"):
            store.delete(f"{run_id}/{name}")
    if version == 3:
        manifest = {name: value for name, value in manifest.items() if name != "parameters"} | {"ensemble": ENSEMBLE}
    seal(store, run_id, manifest | {"format_version": version} | differs)


def seal(store: ArtifactStore, run_id: str, manifest: dict[str, Any]) -> None:
    """Writes an old manifest with the digests of the files, and the digests of itself, as whoever may write can."""
    contents = {name: store.read(f"{run_id}/{name}") for name in OLD_FILES}
    files = {name: {"sha256": sha256(content), "bytes": len(content)} for name, content in contents.items()}
    content = encoded(manifest | {"files": files})
    store.write(f"{run_id}/manifest.json", content)
    store.write(f"{run_id}/SUCCESS", f"{sha256(content)}\n".encode())
    pointer = json.loads(store.read("current.json"))
    for entry in (pointer, *pointer["previous"]):
        if entry["run_id"] == run_id:
            entry["manifest_sha256"] = sha256(content)
    store.write("current.json", encoded(pointer))


def _evidence(store: ArtifactStore, run_id: str) -> dict[str, Any]:
    members = json.loads(store.read(f"{run_id}/members.json"))
    arrays = unpacked(store.read(f"{run_id}/model.safetensors"), "the model")
    of_pairs = None
    if "pairs" in members:
        of_pairs = {"calibration": members["calibration"]} | {
            member: {
                "tails": members[member]["tails"],
                "survivals": members[member]["p_values"],
                "ceilings": {amount: _ceilings(arrays, member, amount) for amount in amounts},
            }
            for member, amounts in (("pairs", EXCESSES), ("spread", SPREADS))
        }
    return {**members["rarity"], "pairs": of_pairs}


def _ceilings(arrays: dict[str, NDArray[Any]], member: str, amount: str) -> dict[str, str]:
    name = f"{member}.{amount}"
    leaders, names = arrays[f"{name}.leaders"], arrays[f"{name}.leader_names"]
    columns = {f"value_{n}": leaders[:, n] for n in range(leaders.shape[1])}
    columns |= {f"host_{n}": names[:, n] for n in range(names.shape[1])}
    tables = {
        "floors": pa.table({"floor": arrays[f"{name}.floors"]}),
        "groups": pa.table({"group": texts_in(arrays, f"{member}.groups"), **columns}),
        "hosts": pa.table({"host": texts_in(arrays, f"{member}.hosts")}),
        "own": pa.table({"key": texts_in(arrays, f"{name}.own_keys"), "value": arrays[f"{name}.own"]}),
    }
    return {part: _packed(table) for part, table in tables.items()}


def _packed(table: pa.Table) -> str:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table.combine_chunks())
    return base64.b64encode(sink.getvalue().to_pybytes()).decode("ascii")
