"""Pairs and spread at size: quality, time and memory of learning from all windows or some, and of scoring a day.

    python -m bench.detection.size --lake LAKE --labels labels.csv --boundary 2024-03-12T00:08Z --most-rows 150000000

The lake needs `delta_pair` and `pair_days` (`bench.detection.enlarge` makes one). Training and inference go by parts of
the hosts, as `ndr-if-training` and `ndr-inference` do, by the same passes; features, the validation of the model and
the writing of predictions are left out. Each `--most-rows` is a model, that of the setting `training.max_pair_rows`.
Each step is a process of its own, with its time, processor time and peak memory.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.metrics import average_precision_score

from bench.detection.experiment import BUDGET, PARAMETERS, read_labels
from common.config.project import DEFAULT_INTERNAL_CIDRS, ProjectParameters
from common.config.training import TrainingParameters
from common.detection.alerts.terms import ALERT_SCORE
from common.detection.calibration import ScoreQuantiles
from common.detection.pairs.common_maxima import CommonMaxima, Presence
from common.detection.pairs.contacts import distinct
from common.detection.pairs.evidence import spread_evidence
from common.detection.pairs.first_seen import Met
from common.detection.pairs.fitting import fit
from common.detection.pairs.host_scores import HostScores
from common.detection.pairs.network_levels import NetworkLevels
from common.detection.pairs.reading import window_number
from common.detection.pairs.scoring import EvidenceModel
from common.features.spec import load_spec
from common.lake.lake import Lake
from common.runtime.engine import Engine
from common.storage.kept_tables import KeptTables
from common.storage.scratch import scratch_folder
from common.windows import WINDOW, WINDOWS_PER_DAY, Windows, parse_moment
from jobs.if_training.pair_parts import MEMBERS, Scope, evidence_of, keep_parts
from jobs.if_training.pair_training import Spans, sample
from jobs.inference import parts as inference
from jobs.inference.plan import plan_of, together

GIB = 1 << 20
"""In units of the kernel's figure."""
WINDOWS_AT_ONCE = 24
Found = TypeVar("Found")
Models = Mapping[str, EvidenceModel]


@dataclass(frozen=True)
class Cost:
    """Seconds, processor seconds, and peak memory in GiB."""

    seconds: float
    processor_seconds: float
    peak: float

    def __str__(self) -> str:
        return f"{self.seconds:.0f} s | {self.processor_seconds:.0f} s | {self.peak:.2f} GiB"


@dataclass(frozen=True)
class Learnt:
    """The models of both members, the raw scores learnt from, of which windows, and the pair rows of all of these."""

    models: Models
    past: HostScores
    source: str
    rows: int


def measured(work: Callable[..., Found], *given: Any) -> tuple[Found, Cost]:
    """What the work gives in a process of its own, and what that cost."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(_timed, work, given).result()


def _timed(work: Callable[..., Found], given: Sequence[Any]) -> tuple[Found, Cost]:
    began = monotonic()
    found = work(*given)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return found, Cost(monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / GIB)


def learn(uri: str, windows: Windows, most_rows: int) -> Learnt:
    """What `ndr-if-training` learns of pairs from the windows, with that setting of `max_pair_rows`."""
    lake = Lake(uri, load_spec("v1"))
    chosen = sample(lake, windows, PARAMETERS.pairs, most_rows)
    if chosen is None:
        raise SystemExit(f"{uri} has no pairs in {windows}")
    spans = Spans.of(chosen, PARAMETERS.pairs.history_share, TrainingParameters().validation_share)
    with scratch_folder(uri) as folder:
        tables = KeptTables(str(folder))
        read = spans.windows(chosen.windows)
        scope = Scope(lake, read, chosen.drawn, DEFAULT_INTERNAL_CIDRS, PARAMETERS.pairs, tables, None)
        parts = keep_parts(scope, Engine("sail"))
        found = {name: fit(evidence_of(scope, name, parts, *spans.learnt), PARAMETERS) for name in MEMBERS}
        models, past = ({name: getattr(one, what) for name, one in found.items()} for what in ("model", "scores"))
    drawn = "all" if chosen.drawn is None else f"{len(chosen.drawn):,}"
    source = f"{drawn} of {len(chosen.windows):,} windows of {chosen.hosts:,} hosts"
    return Learnt(models, added(past), source, chosen.rows)


def score(uri: str, windows: Windows, models: Models, at_once: int) -> HostScores:
    """The raw scores that `ndr-inference` gives to the windows by pairs and spread, some windows after the other."""
    lake, found = Lake(uri, load_spec("v1")), []
    for start in range(0, len(windows), at_once):
        first = windows.start + start * WINDOW
        some = Windows(first, min(first + at_once * WINDOW, windows.end))
        with scratch_folder(uri) as folder:
            found.append(added(_scored(inference.Scope(lake, ProjectParameters(), some, str(folder), None), models)))
    return HostScores.joined(found)


def _scored(scope: inference.Scope, models: Models) -> dict[str, HostScores]:
    """The scores of both members, lowered by the levels of the network."""
    parameters = PARAMETERS.pairs
    plan = plan_of(scope.lake, scope.windows, parameters, False, scope.owners)
    if plan is None:
        raise SystemExit(f"the lake has no pairs in {scope.windows}")
    seen = [inference.History(scope, plan.targets, parameters)(part) for part in plan.parts]
    crowds = Presence.merged([present for _, present in seen]).crowds(parameters)
    novelties = inference.Novelties(scope, Met.merged([met for met, _ in seen]), crowds, parameters)
    leaders, counts = zip(*map(novelties, plan.parts), strict=True)
    heights = inference.Heights(scope, models["pairs"], CommonMaxima.merged(crowds, leaders))
    counted = spread_evidence(together(counts))
    of_counts = models["spread"].score(counted, CommonMaxima.of(counted, parameters))
    found = {"pairs": HostScores.joined([*map(heights, plan.parts)]), "spread": HostScores.of_kinds(of_counts)}
    return {
        name: NetworkLevels.of(scores, parameters).of_scores(scores, models[name].usual_levels)
        for name, scores in found.items()
    }


def added(scores: Mapping[str, HostScores]) -> HostScores:
    """The weighted sum of the scores of both members, one of each host and window."""
    spread, weights = scores["spread"].highest(), PARAMETERS.weights
    pairs = scores["pairs"].of(spread.host, spread.window)
    return HostScores(spread.host, spread.window, spread.kind, weights.pairs * pairs + weights.spread * spread.values)


@dataclass(frozen=True)
class Quality:
    """PR-AUC, attacked hosts in 20 alerts, how many of them alert, all of them; clean hosts that alert, of 1,000.

    `missed` are the attacks of hosts that do not alert.
    """

    precision: float
    found: int
    alerting: int
    attacked: int
    clean: float
    missed: Sequence[str]

    def __str__(self) -> str:
        return f"{self.precision:.3f} | {self.found} | {self.alerting}/{self.attacked} | {self.clean:.1f}"


def quality(labels: pd.DataFrame, scores: HostScores, past: HostScores, boundary: datetime) -> Quality:
    """How good the scores are on the labels, at the alert line of a model that has learnt the past ones."""
    days = (past.window - window_number(boundary)) // WINDOWS_PER_DAY
    host_days = np.searchsorted(distinct(past.host), past.host) * (np.ptp(days) + 1) + days - days.min()
    line = ScoreQuantiles.of_host_days(past.values, host_days, ALERT_SCORE, PARAMETERS.calibration)
    keys = pa.table({"host_ip": labels["host_ip"], "window_start_ts": labels["window_start"]})
    values = scores.of_keys(keys)
    rows = labels.assign(value=values, alert=line.anomaly_score(values) >= ALERT_SCORE, truth=labels["attack"] != "")
    shuffled = rows.sample(frac=1, random_state=0).sort_values("value", kind="stable")
    hosts = rows.groupby("host_ip").agg(alert=("alert", "max"), truth=("truth", "max"), attack=("attack", "max"))
    clean, attacked = hosts[~hosts["truth"]], hosts[hosts["truth"]]
    return Quality(
        float(average_precision_score(rows["truth"], values)),
        int(shuffled[::-1].drop_duplicates("host_ip").head(BUDGET)["truth"].sum()),
        int(attacked["alert"].sum()),
        len(attacked),
        1_000 * float(clean["alert"].mean()),
        sorted(attacked.loc[~attacked["alert"], "attack"]),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", required=True)
    parser.add_argument("--labels", required=True, type=Path)
    parser.add_argument("--boundary", required=True, type=parse_moment, help="end of training, begin of the scored day")
    parser.add_argument("--days", type=int, default=29, help="days before it that training may look at")
    parser.add_argument("--most-rows", type=int, action="append", help="max_pair_rows of a model; can be repeated")
    given = parser.parse_args()
    day = Windows(given.boundary, given.boundary + timedelta(days=1))
    before, noon = Windows(given.boundary - timedelta(days=given.days), given.boundary), day.start + 48 * WINDOW
    labels = read_labels(given.labels, given.boundary)
    print("| learns from | PR-AUC | in 20 alerts | attacked hosts that alert | clean of 1,000 "
          "| step | time | processor | peak |\n|---|---|---|---|---|---|---|---|---|")  # fmt: skip
    for most_rows in given.most_rows or [TrainingParameters().max_pair_rows]:
        learnt, training = measured(learn, given.lake, before, most_rows)
        scores, whole_day = measured(score, given.lake, day, learnt.models, WINDOWS_AT_ONCE)
        _, window = measured(score, given.lake, Windows(noon, noon + WINDOW), learnt.models, 1)
        found = quality(labels, scores, learnt.past, given.boundary)
        print(f"| {learnt.source} | {found} | training | {training} |")
        print(f"| | | | | | a day | {whole_day} |\n| | | | | | a window | {window} |")
        print(f"{learnt.rows:,} rows of the days learnt from; missed: {', '.join(found.missed)}", flush=True)


if __name__ == "__main__":
    main()
