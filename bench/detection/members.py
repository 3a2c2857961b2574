"""What the forest adds to the feature rarity, and both to the pairs: average precision on one labelled lake, as tables.

    python -m bench.detection.members --lake LAKE --labels labels.csv --boundary 2026-03-10T00:08Z

The lake needs slices, features and deviations. The days before the boundary train, and the day after it is scored. The
first table is of features alone, on two sets: synthetic anomalies in the last fifth of the training days, by a model of
the days before, and the labelled day. The second one is of the whole raw score on the labelled day.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from bench.detection.experiment import as_used, figures, fit, read, read_labels
from common.arrays import Floats, Matrix
from common.config.training import TrainingParameters
from common.detection.detector import Detector
from common.detection.input_matrix import read_rows
from common.detection.inputs import model_features
from common.detection.members.member import FitSettings, ForestParameters, Samples
from common.detection.parameters import current_parameters
from common.features.spec import load_spec
from common.lake.lake import Lake
from common.windows import Windows, parse_moment
from jobs.if_training.growing import grow
from jobs.if_training.synthetic_anomalies import examine

SPEC, PARAMETERS, TRAINING = load_spec("v1"), current_parameters(), TrainingParameters()
VALIDATION_SEED = (TRAINING.random_state, 2)
FOREST_WEIGHTS = (0.0, 0.25, 1.0)
RAREST = (1, 2, 3)
Key = tuple[str, pd.Timestamp]


def read_features(uri: str, windows: Windows, horizon: str) -> tuple[Matrix, list[Key]]:
    """The model's input, and the host and window of each row."""
    parts = list(read_rows(Lake(uri, SPEC), windows, model_features(SPEC), horizon))
    keys = pd.concat(part.keys.select(["host_ip", "window_start_ts"]).to_pandas() for part in parts)
    return np.concatenate([part.values for part in parts]), list(zip(*map(keys.get, keys.columns), strict=True))


def trained(values: Matrix) -> Detector:
    """A detector of the features of these rows."""
    forest = PARAMETERS.forest
    start = ForestParameters(forest.n_estimators, forest.max_samples, TRAINING.random_state)
    return Detector.fit(Samples(features=values), FitSettings(PARAMETERS, SPEC, start, grow))[0]


def scores_of(detector: Detector, values: Matrix) -> dict[str, Floats]:
    """The scores of each member alone, of both with some weights, and of some numbers of rarest families."""
    forest, rarity = (member.score_samples(Samples(features=values)) for member in (detector.forest, detector.rarity))
    families = -np.sort(-detector.rarity.rarity.by_family(values), axis=1)
    found = {"forest alone": forest}
    found |= {f"{weight:g} x forest + rarity": weight * forest + rarity for weight in FOREST_WEIGHTS}
    return found | {f"the rarest {count} families": families[:, :count].sum(axis=1) for count in RAREST}


def whole_scores(
    uri: str, training: Windows, day: Windows, features: Mapping[str, Mapping[Key, float]]
) -> dict[str, dict[Key, float]]:
    """The raw scores of the day for each of the scores of features; and those of pairs and spread alone."""
    pairs, spread, _, _ = fit(read(uri, training))
    activity = read(uri, day)
    base = as_used(pairs.judge(activity), spread.judge(activity))
    weight = PARAMETERS.weights.features
    summed = {
        f"pairs, spread, {name}": {key: base.get(key, 0.0) + weight * value for key, value in scores.items()}
        for name, scores in features.items()
    }
    return {"pairs and spread": base} | summed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", required=True)
    parser.add_argument("--labels", required=True, type=Path)
    parser.add_argument("--boundary", required=True, type=parse_moment, help="end of training, begin of the scored day")
    parser.add_argument("--days", type=int, default=7, help="days to train on")
    parser.add_argument("--horizon", default="7d", help="horizon of the deviations")
    given = parser.parse_args()
    day = Windows(given.boundary, given.boundary + timedelta(days=1))
    training = Windows(given.boundary - timedelta(days=given.days), given.boundary)
    past, _ = read_features(given.lake, training, given.horizon)
    values, keys = read_features(given.lake, day, given.horizon)
    labels = read_labels(given.labels, given.boundary)
    attacked = {(row.host_ip, row.window_start) for row in labels.itertuples() if row.attack}
    truth = np.array([key in attacked for key in keys])

    cut = int(len(past) * (1 - TRAINING.validation_share))
    before = trained(past[:cut])
    examined = examine(
        past[cut:], before.forest.preprocessor, SPEC, TRAINING.validation_rows, TRAINING.transplants, VALIDATION_SEED
    )
    synthetic = scores_of(before, examined.values)
    labelled = scores_of(trained(past), values)
    print("| features | synthetic anomalies | labelled windows |\n|---|---|---|")
    for name, scores in labelled.items():
        found = average_precision_score(examined.synthetic, synthetic[name])
        print(f"| {name} | {found:.3f} | {average_precision_score(truth, scores):.3f} |")

    of_features = {name: dict(zip(keys, scores, strict=True)) for name, scores in labelled.items() if "rarity" in name}
    print("\n| raw score | PR-AUC | attacked hosts in 20 alerts |\n|---|---|---|")
    for name, whole in whole_scores(given.lake, training, day, of_features).items():
        precision, hosts, all_hosts = figures(labels, whole)
        print(f"| {name} | {precision:.3f} | {hosts}/{all_hosts} |")


if __name__ == "__main__":
    main()
