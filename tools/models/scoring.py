"""How two models score the same windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from common.arrays import Floats
from common.detection.input_matrix import read_rows
from common.detection.inputs import model_features
from common.detection.members.member import Samples
from common.detection.pairs.activity import activity_of
from common.detection.pairs.owners import OwnersFile, owners_of_model
from common.detection.registry.artifacts import LoadedModel
from common.errors import InputError
from common.windows import WINDOW, Windows
from tools.models.project import Project

Compared = dict[str, tuple[Any, Any, Any]]


def last_window(project: Project) -> Windows | None:
    """The last window of `fg_a`; None if the lake has none."""
    if not project.lake.exists("fg_a"):
        return None
    dates = [entry["date"] for entry in project.lake.partitions("fg_a")]
    if not dates:
        return None
    start = max(
        project.lake.arrow("fg_a", ["window_start_ts"], equal={"date": max(dates)})["window_start_ts"].to_pylist()
    )
    return Windows(start, start + WINDOW)


def both_scored(project: Project, one: str, other: str, windows: Windows, top: int) -> Compared:
    """Figures of the windows' scores: of the first model, of the second, and of both together.

    Raises:
        ModelError: a model does not load here.
        InputError: the windows have no rows, or `fg_c` lacks some.
    """
    models = [project.load(run_id) for run_id in (one, other)]
    parts = [_scores(models, samples) for samples in _samples(project, models, windows)]
    if not parts:
        raise InputError(f"fg_a in {project.lake.uri} has no rows in {windows}", "Give another --window")
    left, right = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
    count = min(top, len(left))
    shared = len(set(_highest(left, count)) & set(_highest(right, count)))
    alert = project.parameters.training.alert_score
    alerts = [int((scores >= alert).sum()) for scores in (left, right)]
    return {
        "rows": (len(left), len(right), None),
        f"alerts, score >= {alert:g}": (alerts[0], alerts[1], alerts[1] - alerts[0]),
        "rank correlation": (None, None, _rank_correlation(left, right)),
        f"among the highest {count} of both": (None, None, shared),
    }


def _samples(project: Project, models: list[LoadedModel], windows: Windows) -> Iterator[list[Samples]]:
    """For each model the rows of the windows with their pairs, at most a UTC date at a time."""
    uri = project.parameters.network_owners
    owners = [owners_of_model(model.manifest, uri) for model in models]
    for rows in read_rows(project.lake, windows, model_features(project.spec), project.parameters.model_horizon):
        held = Windows(rows.keys["window_start_ts"][0].as_py(), rows.keys["window_end_ts"][-1].as_py())
        activity = {file: _activity(project, models, held, file) for file in {*owners}}
        yield [Samples(rows.keys, rows.values, activity[file]) for file in owners]


def _activity(
    project: Project, models: list[LoadedModel], windows: Windows, owners: OwnersFile | None
) -> pa.Table | None:
    """The pairs of the windows, with these owners of networks; None where no model looks at pairs."""
    if all(model.detector.pairs is None for model in models):
        return None
    parameters, cidrs = models[0].detector.parameters.pairs, project.parameters.internal_cidrs
    return activity_of(project.lake, windows, cidrs, parameters, owners)


def _scores(models: list[LoadedModel], samples: list[Samples]) -> list[Floats]:
    """The anomaly scores of both models, of their samples."""
    return [
        model.detector.calibration.anomaly_score(model.detector.score_samples(some))
        for model, some in zip(models, samples, strict=True)
    ]


def _highest(scores: Floats, count: int) -> list[int]:
    """The positions of the highest scores; of equal ones, the first."""
    return [int(place) for place in np.argsort(-scores, kind="stable")[:count]]


def _rank_correlation(left: Floats, right: Floats) -> float | None:
    """Spearman's correlation; None where all scores of a model are equal."""
    ranks = np.stack([_ranks(left), _ranks(right)])
    if (np.ptp(ranks, axis=1) == 0).any():
        return None
    return round(float(np.asarray(np.corrcoef(ranks))[0, 1]), 4)


def _ranks(scores: Floats) -> Floats:
    """Ranks from 1; equal scores share the mean of theirs."""
    _, group, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    return np.asarray((ends - (sizes - 1) / 2)[group], dtype=np.float64)
