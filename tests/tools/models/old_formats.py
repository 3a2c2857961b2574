"""Models as earlier releases wrote them, made from models of today and the estimators that these were grown with."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import joblib
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from common.address_codes import address_codes
from common.arrays import Matrix
from common.detection.members.estimator import forest_of
from common.detection.members.member import ForestParameters
from common.detection.members.trees import Forest
from common.detection.pairs.contacts import codes_of_networks
from common.detection.pairs.evidence import EXCESSES, KINDS, SPREADS
from common.detection.pairs.group_codes import group_codes
from common.detection.registry.formats import encoded, sha256
from common.detection.registry.pointer import ArtifactStore
from common.detection.registry.tensors import of_texts, packed, texts_in, unpacked
from jobs.if_training.growing import grow_estimator

OLD_FILES = {
    4: ("model.joblib", "evidence.json", "drift.json", "report.json"),
    5: ("model.safetensors", "members.json", "drift.json", "report.json"),
}
HOSTS = [f"10.0.0.{number}" for number in range(1, 5)]
NETWORKS = ["198.51.0", "198.51.1"]
"""The texts of the models with pairs, which are those of `small_members`: a model of today only has their codes."""


class Grower:
    """Grows forests, and keeps the last estimator."""

    last: IsolationForest

    def __call__(self, matrix: Matrix, parameters: ForestParameters) -> Forest:
        """The forest of the estimator."""
        self.last = grow_estimator(matrix, parameters)
        return forest_of(self.last)


def write_old(store: ArtifactStore, run_id: str, estimator: Any, version: int, **differs: Any) -> None:
    """Puts a run back into an old format, and the digests of the pointer with it."""
    manifest = json.loads(store.read(f"{run_id}/manifest.json"))
    if manifest["format_version"] == 7:
        arrays, members = _texts_for_codes(
            unpacked(store.read(f"{run_id}/arrays.safetensors"), "arrays"),
            json.loads(store.read(f"{run_id}/values.json")),
        )
        if version == 5:
            store.write(f"{run_id}/model.safetensors", packed(arrays))
            store.write(f"{run_id}/members.json", encoded(members))
        else:
            buffer = io.BytesIO()
            joblib.dump(estimator, buffer, compress=0)
            store.write(f"{run_id}/model.joblib", buffer.getvalue())
            store.write(f"{run_id}/evidence.json", encoded(_evidence(arrays, members)))
        for name in ("arrays.safetensors", "values.json"):
            store.delete(f"{run_id}/{name}")
    seal(store, run_id, manifest | {"format_version": version} | differs)


def seal(store: ArtifactStore, run_id: str, manifest: dict[str, Any]) -> None:
    """Writes an old manifest with the digests of the files, and the digests of itself, as whoever may write can."""
    names = OLD_FILES.get(manifest["format_version"], OLD_FILES[4])
    contents = {name: store.read(f"{run_id}/{name}") for name in names}
    files = {name: {"sha256": sha256(content), "bytes": len(content)} for name, content in contents.items()}
    content = encoded(manifest | {"files": files})
    store.write(f"{run_id}/manifest.json", content)
    store.write(f"{run_id}/SUCCESS", f"{sha256(content)}\n".encode())
    pointer = json.loads(store.read("current.json"))
    for entry in (pointer, *pointer["previous"]):
        if entry["run_id"] == run_id:
            entry["manifest_sha256"] = sha256(content)
    store.write("current.json", encoded(pointer))


def _texts_for_codes(
    arrays: dict[str, NDArray[Any]], members: dict[str, Any]
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays and JSON values of format 5, with groups and hosts in the order in which they came, not of codes."""
    found = {name: array for name, array in arrays.items() if name.split(".")[0] not in ("pairs", "spread")}
    if "pairs" in members:
        for member, amounts in (("pairs", EXCESSES), ("spread", SPREADS)):
            found |= _maxima(arrays, member, amounts)
            for kind, p_values in members[member]["p_values"].items():
                hosts, rows, highest = (arrays[f"{member}.{kind}.{part}"] for part in ("hosts", "rows", "highest"))
                own = [[int(n), scores[np.isfinite(scores)].tolist()] for n, scores in zip(rows, highest, strict=True)]
                p_values["hosts"] = dict(zip(_texts(hosts, HOSTS, _codes(HOSTS)), own, strict=True))
    return found, members


def _maxima(arrays: dict[str, NDArray[Any]], member: str, amounts: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    groups, hosts = arrays[f"{member}.groups"][::-1], arrays[f"{member}.hosts"][::-1]
    known = [f"outbound {network} 443" for network in NETWORKS]
    codes = group_codes(codes_of_networks(pa.array(NETWORKS)), np.full(len(NETWORKS), 2 * 443))
    if member == "spread":
        known = [f"{kind} 10.0.0.0/24" for kind in KINDS]
        codes = group_codes(np.repeat(_codes(["10.0.0.0/24"]), len(KINDS)), np.arange(len(KINDS)))
    group_texts, host_texts = _texts(groups, known, codes), _texts(hosts, HOSTS, _codes(HOSTS))
    found = of_texts(f"{member}.groups", pa.array(group_texts)) | of_texts(f"{member}.hosts", pa.array(host_texts))
    there = np.arange(3) < arrays[f"{member}.counts"][:, None]
    for name in (f"{member}.{amount}" for amount in amounts):
        leaders, names = np.full(there.shape, -np.inf), np.full(there.shape, -1)
        leaders[there], names[there] = arrays[f"{name}.leaders"], len(hosts) - 1 - arrays[f"{name}.leader_names"]
        group, host = np.divmod(arrays[f"{name}.own_pairs"][::-1], len(hosts))
        group, host = len(groups) - 1 - group, len(hosts) - 1 - host
        keys = [f"{group_texts[g]}\t{host_texts[h]}" for g, h in zip(group, host, strict=True)]
        found |= of_texts(f"{name}.own_keys", pa.array(keys, pa.string()))
        found |= {f"{name}.leaders": leaders[::-1], f"{name}.leader_names": names[::-1]}
        found |= {f"{name}.floors": arrays[f"{name}.floors"], f"{name}.own": arrays[f"{name}.own"][::-1]}
    return found


def _texts(wanted: NDArray[Any], texts: list[str], codes: NDArray[Any]) -> list[str]:
    by_code = dict(zip(codes.tolist(), texts, strict=True))
    return [by_code[code] for code in wanted.tolist()]


def _codes(texts: list[str]) -> NDArray[Any]:
    return address_codes(pa.array(texts, pa.string()))


def _evidence(arrays: dict[str, NDArray[Any]], members: dict[str, Any]) -> dict[str, Any]:
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
