"""Small lakes for tests of the model stages: random features in the shape of the contracts, with overrides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from deltalake import write_deltalake

from common.arrays import Matrix
from common.contracts import tables
from common.contracts.types import Table
from common.detection.detector import Detector
from common.detection.drift.reference import DriftReference
from common.detection.input_matrix import read_matrix
from common.detection.inputs import model_features
from common.detection.members.member import FitSettings, ForestParameters, Samples
from common.detection.members.pairs import PairsMember
from common.detection.members.spread import SpreadMember
from common.detection.members.trees import Forest
from common.detection.pairs.owners import OwnersFile
from common.detection.parameters import current_parameters
from common.detection.registry.artifacts import run_id_of, save_model
from common.detection.registry.decisions import Note
from common.detection.registry.pointer import model_store
from common.detection.registry.promotion import promote
from common.lake.lake import Lake
from common.windows import WINDOW as LENGTH
from common.windows import Windows
from jobs.if_training.growing import grow
from tests.factories import SPEC
from tests.lakes import mark_lake, note_whole

START = datetime(2026, 3, 10, 0, 8, tzinfo=UTC)
RANGE = Windows(START, START + 8 * LENGTH)
HOSTS = 16
TEXTS = {
    "segment_id": "10.20.0.0/24",
    "time_band": "working_hours",
    "baseline_horizon": "7d",
    "baseline_month": "2026-03",
    "baseline_source": "host",
    "pair_evidence": "[]",
}
Grow = Callable[[Matrix, ForestParameters], Forest]
Overrides = Mapping[str, Mapping[int, Any]]


def host(number: int) -> str:
    """The address of the host with that number."""
    return f"10.20.0.{number}"


def rows(name: str, window: Windows, seed: int, hosts: int = HOSTS, overrides: Overrides | None = None) -> pa.Table:
    """A row for each host; numbers are random, 30 % of them 0. `overrides` gives values by column and host number."""
    table = tables(SPEC)[name]
    rng = np.random.default_rng(seed)
    columns: dict[str, list[Any]] = {}
    for column in table.columns:
        if column.type == "double":
            columns[column.name] = (rng.gamma(1, 2, hosts) * (rng.random(hosts) > 0.3)).tolist()
        elif column.type in ("int", "long"):
            columns[column.name] = rng.integers(0, 5, hosts).tolist()
        else:
            columns[column.name] = [TEXTS.get(column.name)] * hosts
    columns |= {
        "host_ip": [host(number) for number in range(hosts)],
        "window_start_ts": [window.start] * hosts,
        "window_end_ts": [window.end] * hosts,
        "date": [f"{window.start:%Y-%m-%d}"] * hosts,
        "window": [window.key] * hosts,
    }
    for changed, values in (overrides or {}).items():
        for number, value in values.items():
            columns[changed][number] = value
    return pa.table(columns, schema=table.arrow)


def write(lake: Path, table: Table, content: pa.Table) -> None:
    """Replaces the window of the table that the content is of; a new table may begin with several."""
    mark_lake(lake)
    exists = (lake / table.name / "_delta_log").exists()
    predicate = {"predicate": f"window = '{content['window'][0].as_py()}'"} if exists else {}
    write_deltalake(lake / table.name, content, mode="overwrite", partition_by=list(table.partitions), **predicate)


def make_lake(lake: Path, windows: Windows = RANGE, only: tuple[str, ...] = ("fg_a", "fg_c")) -> Path:
    """A lake whose `fg_a` and `fg_c` hold random rows for the windows; host 3 of the last one is far off."""
    overrides: dict[str, Overrides] = {
        "fg_a": {"new_peer_cnt_lookback30d_w_15m": {3: 500.0}, "peer_ip_nunique_w_15m": {3: 412.0}},
        "fg_c": {"peer_ip_nunique_w_15m_z_mad": {3: 500.0}, "deny_ratio_w_15m_log_ratio": {3: 500.0}},
    }
    for place, name in enumerate(only):
        parts = [
            rows(name, window, 2 * number + place, overrides=overrides[name] if number == len(windows) - 1 else {})
            for number, window in enumerate(windows)
        ]
        write(lake, tables(SPEC)[name], pa.concat_tables(parts))  # one commit: each takes a sixth of a second
    note_whole(lake, windows)
    return lake


def train_model(
    lake: Path,
    random_state: int = 1,
    grow: Grow = grow,
    members: tuple[PairsMember, SpreadMember] | None = None,
    project_name: str = "local",
    owners: OwnersFile | None = None,
) -> dict[str, str]:
    """Trains a small model on the lake's features, publishes it, and gives its run and digest.

    `members` are those of pairs that it gets, or None for a model of features alone; it says that they know `owners`.
    """
    features = model_features(SPEC)
    matrix = read_matrix(Lake(str(lake), SPEC), RANGE, features, "7d").values
    settings = FitSettings(current_parameters(), SPEC, ForestParameters(10, 256, random_state, n_jobs=1), grow)
    detector, raw = Detector.fit(Samples(features=matrix), settings)
    if members:
        detector = detector.with_pairs(*members, detector.calibration)
    store = model_store(str(lake), project_name)
    facts = {"project_name": project_name, "feature_spec_version": "v1", "baseline_horizon": "7d", "rows": len(matrix)}
    facts |= {"owners": owners and owners.to_dict()}
    run_id = run_id_of(facts | {"random_state": random_state})
    drift = DriftReference.fit(matrix, raw, features.names, SPEC, settings.parameters.drift)
    model_sha256 = save_model(store, run_id, detector, drift, facts, b"{}")
    promote(store, "local", run_id, Note("jane", "the first one"))
    return {"run_id": run_id, "model_sha256": model_sha256}
