"""A model of few windows, for a benchmark of what scores with it."""

from __future__ import annotations

import numpy as np

from bench.workload import SEED
from common.config.project import ProjectParameters
from common.detection.detector import Detector
from common.detection.drift.reference import DriftReference
from common.detection.input_matrix import read_rows
from common.detection.inputs import model_features
from common.detection.members.member import FitSettings, ForestParameters, Samples
from common.detection.parameters import current_parameters
from common.detection.registry.artifacts import save_model
from common.detection.registry.decisions import Note
from common.detection.registry.pointer import model_store
from common.detection.registry.promotion import promote
from common.lake.identity import LakeIdentity
from common.lake.lake import Lake
from common.lake.lake_format import read_record
from common.runtime.engine import Engine
from common.windows import Windows
from jobs.if_training.growing import grow
from jobs.if_training.pair_training import with_pairs

RUN = "bench"


def write_model(lake: Lake, source: Lake, windows: Windows, pairs: Windows) -> None:
    """Writes a model of the source's features and pairs of these windows to the lake, as its current one.

    ndr-if-training would refuse so short a range: neither selection, tuning nor validation has enough windows.
    """
    spec, project, parameters = source.spec, ProjectParameters(), current_parameters()
    features = model_features(spec)
    parts = list(read_rows(source, windows, features, project.model_horizon))
    values = np.concatenate([part.values for part in parts])
    ends = np.concatenate([part.keys["window_end_ts"].to_numpy().astype("datetime64[us]") for part in parts])
    forest = ForestParameters(parameters.forest.n_estimators, parameters.forest.max_samples, SEED)
    settings = FitSettings(parameters, spec, forest, grow)
    detector, raw = Detector.fit(Samples(features=values), settings)
    drift = DriftReference.fit(values, raw, features.names, spec, parameters.drift, ends.astype(np.int64))
    detector, _ = with_pairs(
        detector,
        source,
        pairs,
        settings,
        project.model_horizon,
        project.internal_cidrs,
        project.training,
        None,
        Engine("sail"),
    )
    identity = read_record(lake.uri)
    project_name = identity.require_known(lake.uri).project_name if identity else LakeIdentity().project_name
    store = model_store(lake.uri, project_name)
    facts = {
        "project_name": project_name,
        "feature_spec_version": spec.version,
        "baseline_horizon": project.model_horizon,
    }
    save_model(store, RUN, detector, drift, facts, b"{}")
    promote(store, project_name, RUN, Note("bench", "the model of the benchmark"))
