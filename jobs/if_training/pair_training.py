"""What a detector learns of pairs, from the activity of its training range."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Floats
from common.config.training import TrainingParameters
from common.detection.calibration import ScoreQuantiles
from common.detection.detector import Detector
from common.detection.input_matrix import read_rows
from common.detection.inputs import model_features
from common.detection.members.member import FitSettings, Samples
from common.detection.members.pairs import PairsMember, pair_samples, windows_of
from common.detection.members.spread import SpreadMember
from common.detection.pairs.activity import read_activity
from common.detection.pairs.evidence import NOVELTIES, codes
from common.detection.pairs.reading import has_pairs
from common.detection.parameters import PairParameters
from common.lake.lake import Lake
from common.lake.window_rows import rows_by_window
from common.runtime.output import doing
from common.windows import WINDOWS_PER_DAY, Windows

WINDOWS_MIN = 200
UNUSED = [f"{what}_others" for what in NOVELTIES]


def with_pairs(
    detector: Detector,
    lake: Lake,
    windows: Windows,
    settings: FitSettings,
    horizon: str,
    internal_cidrs: Sequence[str],
    training: TrainingParameters,
) -> tuple[Detector, dict[str, Any]]:
    """The detector with the pairs of the training range learnt, and the figures of `Chosen` and of `examined`.

    It learns from the windows and hosts that `sample` names. Without pairs the detector is unchanged, and the figures
    are the reason.
    """
    nothing = {"reason": "the training range has no pairs"}
    if not has_pairs(lake):
        return detector, nothing
    parameters = settings.parameters.pairs
    doing("reading the activity of pairs")
    chosen = sample(lake, windows, parameters)
    windows = chosen.windows
    activity_of_days = read_activity(lake, windows, internal_cidrs, parameters, chosen.hosts)
    parts = [part.drop_columns(UNUSED) for part in activity_of_days]
    if not parts:
        return detector, nothing
    activity = pa.concat_tables(parts).combine_chunks()
    del parts
    doing(f"learning from {len(activity):,} rows")
    samples = pair_samples(activity, parameters)
    pairs, spread, scores = _fit(samples, settings)
    doing("scoring the training range")
    raw = _raw(detector, samples.keys, scores, lake, windows, settings, horizon)
    if not len(raw):
        return detector, nothing
    del samples
    doing("validating")
    figures = chosen.figures(parameters.training_rows)
    figures |= examined(activity, training.validation_share, training.alert_score, settings)
    return detector.with_pairs(pairs, spread, ScoreQuantiles.fit(raw, settings.parameters.calibration)), figures


def examined(activity: pa.Table, share: float, alert_score: float, settings: FitSettings) -> dict[str, Any]:
    """How often a model of the earlier activity alerts in the last `share` of the time, or the `reason` why unknown.

    `alert_share` is the share of hosts' windows there that score above the quantile `alert_score` of the earlier ones,
    by pairs alone; `alert_raw_score` is that score; `windows` and `windows_before` are how many there are of both.
    """
    window = activity["window_number"].to_numpy()
    block = window >= window.min() + (1 - share) * (window.max() + 1 - window.min())
    earlier, later = activity.filter(pa.array(~block)), activity.filter(pa.array(block))
    if not len(earlier) or not len(later):
        return {"reason": "the training range has pairs on one side of the validation block only"}
    pairs, spread, before = _fit(pair_samples(earlier, settings.parameters.pairs), settings)
    samples, weights = Samples(keys=windows_of(later), activity=later), settings.parameters.weights
    found = weights.pairs * pairs.score_samples(samples) + weights.spread * spread.score_samples(samples)
    if min(len(before), len(found)) < WINDOWS_MIN:
        return {"reason": f"pairs have {len(found):,} windows in the validation block and {len(before):,} before it"}
    bound = float(np.quantile(before, alert_score))
    return {
        "alert_share": round(float((found > bound).mean()), 6),
        "alert_raw_score": round(bound, 6),
        "windows": len(found),
        "windows_before": len(before),
    }


@dataclass(frozen=True)
class Chosen:
    """What is learnt from: windows, and hosts of them; None for all.

    `found` counts the hosts of the last date, `rows` the pair rows of the windows.
    """

    windows: Windows
    hosts: list[str] | None
    found: int
    rows: int

    def figures(self, most: int) -> dict[str, Any]:
        """How many hosts and days are learnt from, and why no more; at most `most` rows are."""
        days = round(len(self.windows) / WINDOWS_PER_DAY, 2)
        found: dict[str, Any] = {"hosts_found": self.found, "days": days}
        if self.hosts is None:
            return found | {"hosts": self.found}
        reason = f"{self.rows:,} pair rows of {days:g} days are more than the training_rows {most:,}"
        return found | {"hosts": len(self.hosts), "hosts_reason": reason}


def sample(lake: Lake, windows: Windows, parameters: PairParameters) -> Chosen:
    """The windows and hosts to learn from.

    As many of the last days as have `training_rows` pair rows, within `training_days_min` and `training_days_max`.
    Where the fewest have more rows, hosts are drawn by a checksum of their addresses; the others still count as others.
    """
    held = rows_by_window(lake, "delta_pair", windows)
    chosen, rows = windows, 0
    for days in range(1, parameters.training_days_max + 1):
        tried = Windows(max(windows.start, windows.end - timedelta(days=days)), windows.end)
        count = sum(held.get(window.key, 0) for window in tried)
        if days > parameters.training_days_min and count > parameters.training_rows:
            break
        chosen, rows = tried, count
    names = sorted(pc.unique(lake.arrow("delta_pair", ["host_ip"], chosen.by_day()[-1])["host_ip"]).to_pylist())
    share = parameters.training_rows / max(rows, 1)
    drawn = None if share >= 1 else [name for name in names if zlib.crc32(name.encode()) < share * 2**32]
    return Chosen(chosen, drawn, len(names), rows)


def _fit(samples: Samples, settings: FitSettings) -> tuple[PairsMember, SpreadMember, Floats]:
    """The members of the samples, and what they add to the raw score of each."""
    pairs, by_pairs = PairsMember.fit(samples, settings)
    spread, by_spread = SpreadMember.fit(samples, settings)
    weights = settings.parameters.weights
    return pairs, spread, weights.pairs * by_pairs + weights.spread * by_spread


def _raw(
    detector: Detector,
    keys: pa.Table,
    scores: Floats,
    lake: Lake,
    windows: Windows,
    settings: FitSettings,
    horizon: str,
) -> Floats:
    """The whole raw scores of the last training days with pair scores, `calibration_rows` or more if there are.

    The features count in full here, while in a raw score they have the weight `features`.
    """
    hosts = pc.unique(keys["host_ip"])
    found: list[Floats] = []
    first = pc.min(keys["window_start_ts"]).as_py()
    for day in reversed(windows.by_day()):
        late = Windows(max(day.start, first), day.end) if day.end > first else None
        if late is None or sum(map(len, found)) >= settings.parameters.pairs.calibration_rows:
            break
        for rows in read_rows(lake, late, model_features(settings.spec), horizon):
            kept = np.asarray(pc.is_in(rows.keys["host_ip"], hosts))
            wanted = rows.keys.filter(pa.array(kept))
            if len(wanted):
                found.append(_look_up(wanted, keys, scores) + detector.feature_scores(rows.values[kept]))
    return np.concatenate(found) if found else np.zeros(0)


def _look_up(wanted: pa.Table, keys: pa.Table, scores: Floats) -> Floats:
    """The scores of the wanted hosts and windows; 0 for those without."""
    at, known = codes(wanted, keys, columns=["host_ip", "window_start_ts"])
    order = np.argsort(known)
    place = np.minimum(np.searchsorted(known[order], at), len(known) - 1)
    return np.where(known[order][place] == at, scores[order][place], 0.0)
