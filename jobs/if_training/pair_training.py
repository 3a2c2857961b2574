"""Teaching a detector what pairs are usual, from the activity of its training range."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.config.training import TrainingParameters
from common.detection.calibration.global_quantiles import ScoreQuantiles
from common.detection.detector import Detector
from common.detection.input_matrix import read_rows
from common.detection.inputs import model_features
from common.detection.pairs.activity import has_pairs, read_activity
from common.detection.pairs.first_seen import NEWNESS
from common.detection.pairs.model import PairModel, joined, raw_scores, window_surprises
from common.detection.pairs.numbering import slice_numbers
from common.detection.pairs.slices import DAY_SLICES
from common.features.spec import FeatureSpec
from common.lake.lake import Lake
from common.windows import Windows

ACTIVITY_ROWS_MAX = 4_000_000
ACTIVITY_DAYS = (5, 28)
CALIBRATION_ROWS = 20_000
WINDOWS_LEAST = 200
UNUSED = [f"{what}_others" for what in NEWNESS]


def with_pairs(
    detector: Detector,
    lake: Lake,
    windows: Windows,
    spec: FeatureSpec,
    horizon: str,
    internal_cidrs: Sequence[str],
    parameters: TrainingParameters,
) -> tuple[Detector, dict[str, Any]]:
    """The detector with the pairs of the training range learnt, and the figures of `examined`.

    Learnt is from the last days of the range, so many of `ACTIVITY_DAYS` as have `ACTIVITY_ROWS_MAX` pair rows. Where
    the fewest have more, hosts are drawn by a checksum of their addresses; the others still count where it matters how
    many have a peer. Without pairs the detector is unchanged, and the figures are the reason.
    """
    nothing = {"reason": "the training range has no pairs"}
    if not has_pairs(lake):
        return detector, nothing
    windows, hosts = sample(lake, windows)
    parts = [part.drop_columns(UNUSED) for part in read_activity(lake, windows, internal_cidrs, hosts)]
    if not parts:
        return detector, nothing
    activity = pa.concat_tables(parts).combine_chunks()
    del parts
    model, pairs, spread = PairModel.fit(activity)
    surprises = window_surprises(pairs, spread)
    del pairs, spread
    raw = _raw(detector, surprises, lake, windows, spec, horizon)
    if not len(raw):
        return detector, nothing
    model = replace(model, calibration=ScoreQuantiles.fit(raw))
    figures = examined(activity, parameters.validation_share, parameters.alert_score)
    return replace(detector, evidence=replace(detector.evidence, pairs=model)), figures


def examined(activity: pa.Table, share: float, alert_score: float) -> dict[str, Any]:
    """How often a model of the earlier activity alerts in the last `share` of the time, or the `reason` why unknown.

    `alert_share` is the share of hosts' windows there that pairs find odder than `alert_score` of the earlier ones,
    whose raw score is `alert_raw_score`; `windows` and `windows_before` are how many there are of both.
    """
    moment = slice_numbers(activity["window_start_ts"])
    block = moment >= moment.min() + (1 - share) * (moment.max() + 1 - moment.min())
    earlier, later = activity.filter(pa.array(~block)), activity.filter(pa.array(block))
    if not len(earlier) or not len(later):
        return {"reason": "the training range has pairs on one side of the validation block only"}
    model, pairs, spread = PairModel.fit(earlier)
    before = raw_scores(window_surprises(pairs, spread))
    found = raw_scores(window_surprises(*model.judge(later)))
    if min(len(before), len(found)) < WINDOWS_LEAST:
        return {"reason": f"pairs have {len(found):,} windows in the validation block and {len(before):,} before it"}
    bound = float(np.quantile(before, alert_score))
    return {
        "alert_share": round(float((found > bound).mean()), 6),
        "alert_raw_score": round(bound, 6),
        "windows": len(found),
        "windows_before": len(before),
    }


def sample(lake: Lake, windows: Windows) -> tuple[Windows, list[str] | None]:
    """The windows and hosts to learn from; None for all hosts."""
    day = windows.by_day()[-1]
    last = lake.arrow("delta_pair", ["host_ip"], day)
    rows_a_day = max(1.0, len(last) * DAY_SLICES / len(day))
    fewest, most = ACTIVITY_DAYS
    days = min(most, max(fewest, int(ACTIVITY_ROWS_MAX / rows_a_day)))
    windows = Windows(max(windows.start, windows.end - timedelta(days=days)), windows.end)
    share = ACTIVITY_ROWS_MAX * DAY_SLICES / (rows_a_day * len(windows))
    if share >= 1:
        return windows, None
    names = sorted(pc.unique(last["host_ip"]).to_pylist())
    return windows, [name for name in names if zlib.crc32(name.encode()) < share * 2**32]


def _raw(
    detector: Detector, surprises: pa.Table, lake: Lake, windows: Windows, spec: FeatureSpec, horizon: str
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The whole raw scores of the last training days with pair scores, `CALIBRATION_ROWS` or more if there are."""
    known = pc.unique(surprises["host_ip"])
    found: list[np.ndarray[tuple[int], np.dtype[np.float64]]] = []
    first = pc.min(surprises["window_start_ts"]).as_py()
    for day in reversed(windows.by_day()):
        late = Windows(max(day.start, first), day.end) if day.end > first else None
        if late is None or sum(map(len, found)) >= CALIBRATION_ROWS:
            break
        for rows in read_rows(lake, late, model_features(spec), horizon):
            kept = np.asarray(pc.is_in(rows.keys["host_ip"], known))
            keys = rows.keys.filter(pa.array(kept))
            if len(keys):
                part = joined(keys, surprises)
                found.append(raw_scores(part) + detector.raw_scores(rows.values[kept]) * detector.matrix_weight)
    return np.concatenate(found) if found else np.zeros(0)
