"""What a detector learns of pairs, from the evidence of its training range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from math import ceil
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.address_codes import address_codes
from common.arrays import Floats, Integers
from common.calendar.entries import read_calendar
from common.calendar.left_out import MEMORY, LeftOut
from common.config.training import TrainingParameters
from common.detection.alerts.terms import ALERT_SCORE
from common.detection.calibration import ScoreQuantiles
from common.detection.detector import Detector
from common.detection.input_matrix import read_rows
from common.detection.inputs import model_features
from common.detection.members.member import FitSettings
from common.detection.members.pairs import PairsMember
from common.detection.members.spread import SpreadMember
from common.detection.pairs.common_maxima import WINDOW_BITS
from common.detection.pairs.contacts import LATE, distinct, of_texts, places, window_numbers
from common.detection.pairs.fitting import Learnt, common_maxima, fit
from common.detection.pairs.host_scores import HostScores
from common.detection.pairs.network_levels import NetworkLevels
from common.detection.pairs.owners import OwnersFile
from common.detection.pairs.part_rows import EvidencePart
from common.detection.pairs.reading import has_pairs, window_number
from common.detection.parameters import PairParameters, Weights
from common.lake.host_ranges import Part
from common.lake.lake import Lake
from common.lake.window_rows import rows_by_window
from common.runtime.engine import Engine
from common.runtime.output import doing
from common.storage.kept_tables import KeptTables
from common.storage.scratch import scratch_of_parts
from common.windows import WINDOWS_PER_DAY, Windows
from jobs.if_training.odd_habits import described
from jobs.if_training.pair_parts import MEMBERS, Scope, evidence_of, keep_parts

WINDOWS_MIN = 200


def with_pairs(
    detector: Detector,
    lake: Lake,
    windows: Windows,
    settings: FitSettings,
    horizon: str,
    internal_cidrs: Sequence[str],
    training: TrainingParameters,
    owners: OwnersFile | None,
    engine: Engine,
) -> tuple[Detector, dict[str, Any]]:
    """The detector with the pairs of the training range learnt, and the figures of `Chosen` and of `examined`.

    It learns from the windows that `sample` names; `odd_habits` and `left_out_by_calendar` in the figures are what it
    left out. Without pairs the detector is unchanged, and the figures are the reason.
    """
    nothing = {"reason": "the training range has no pairs"}
    parameters = settings.parameters.pairs
    chosen = sample(lake, windows, parameters, training.max_pair_rows) if has_pairs(lake) else None
    if chosen is None:
        return detector, nothing
    spans = Spans.of(chosen, parameters.history_share, training.validation_share)
    left_out = LeftOut(read_calendar(lake).touching(chosen.windows, MEMORY), MEMORY)
    with scratch_of_parts(lake.uri, engine.is_cluster) as folder:
        tables = KeptTables(folder)
        windows = spans.windows(chosen.windows)
        scope = Scope(lake, windows, chosen.drawn, internal_cidrs, parameters, tables, owners, left_out)
        parts = keep_parts(scope, engine)
        if not parts:
            return detector, nothing
        doing("learning from pairs")
        members, scores = _fit(scope, parts, spans.learnt, settings)
        doing("scoring the training range")
        calibration = _calibration(detector, scores, lake, chosen, settings, horizon)
        if calibration is None:
            return detector, nothing
        doing("validating")
        figures = chosen.figures(training.max_pair_rows)
        figures |= examined(scope, parts, spans, training.alert_score, settings)
    figures["left_out_by_calendar"] = left_out.figures()
    figures["odd_habits"] = described(lake, chosen.windows, members["pairs"].model.habits, parameters)
    pairs, spread = PairsMember(members["pairs"].model), SpreadMember(members["spread"].model)
    return detector.with_pairs(pairs, spread, calibration), figures


@dataclass(frozen=True)
class Spans:
    """The windows, by their numbers from a first one up to a last one without it, that are learnt from and examined.

    The first `history_share` of what is learnt from only serves as history: without history, everything is new.
    `earlier` is for a model that is examined on the `block` after it.
    """

    learnt: tuple[int, int]
    earlier: tuple[int, int]
    block: tuple[int, int]

    @classmethod
    def of(cls, chosen: Chosen, history_share: float, block_share: float) -> Spans:
        """Those of the windows that have pairs."""
        first, end = window_number(chosen.first.start), window_number(chosen.last.start) + 1
        block = ceil(first + (1 - block_share) * (end - first))

        def after_history(last: int) -> int:
            return ceil(first + history_share * (last - first))

        return cls((after_history(end), end), (after_history(block), block), (block, end))

    def windows(self, windows: Windows) -> Windows:
        """Those of the windows that are not history only."""
        first = min(self.learnt[0], self.earlier[0])
        return Windows(next(one.start for one in windows if window_number(one.start) >= first), windows.end)


def examined(
    scope: Scope, parts: Sequence[Part], spans: Spans, alert_score: float, settings: FitSettings
) -> dict[str, Any]:
    """How often a model of the earlier activity alerts in the block after it, or the `reason` why unknown.

    `alert_share` is the share of hosts' windows there that score above the quantile `alert_score` of the earlier ones,
    by pairs alone; `alert_raw_score` is that score; `windows` and `windows_before` are how many there are of both. Odd
    habits are left out: they are listed by themselves.
    """
    if not all(_has_rows(scope, parts, span) for span in (spans.earlier, spans.block)):
        return {"reason": "the training range has pairs on one side of the validation block only"}
    members, before = _fit(scope, parts, spans.earlier, settings)
    scored = {member: _scored(scope, parts, spans.block, member, learnt) for member, learnt in members.items()}
    found = _added(scored, settings.parameters.weights)
    if min(len(before.values), len(found.values)) < WINDOWS_MIN:
        reason = (
            f"pairs have {len(found.values):,} windows in the validation block and {len(before.values):,} before it"
        )
        return {"reason": reason}
    bound = float(np.quantile(before.values, alert_score))
    return {
        "alert_share": round(float((found.values > bound).mean()), 6),
        "alert_raw_score": round(bound, 6),
        "windows": len(found.values),
        "windows_before": len(before.values),
    }


@dataclass(frozen=True)
class Chosen:
    """What is learnt from: windows, and the numbers of those that are drawn; None for all.

    `first` and `last` are those of the windows that have pairs; `hosts` counts the hosts of the last date, `rows` the
    pair rows of the windows.
    """

    windows: Windows
    drawn: tuple[int, ...] | None
    hosts: int
    rows: int
    first: Windows
    last: Windows

    def figures(self, most: int) -> dict[str, Any]:
        """How many hosts and days are learnt from, how many windows of these, and why no more than `most` rows."""
        days = round(len(self.windows) / WINDOWS_PER_DAY, 2)
        found: dict[str, Any] = {"hosts": self.hosts, "days": days}
        if self.drawn is None:
            return found
        reason = f"{self.rows:,} pair rows of {days:g} days are more than max_pair_rows {most:,}"
        return found | {"windows_drawn": len(self.drawn), "windows_reason": reason}


def sample(lake: Lake, windows: Windows, parameters: PairParameters, most: int) -> Chosen | None:
    """The windows to learn from; None where there are no pairs.

    As many of the last days as have `training_rows` pair rows, within `training_days_min` and `training_days_max`.
    Where these have more than `most` rows, windows are drawn by a checksum of their names: so each host keeps a past. A
    regular choice would always meet, or never, what is done at the same minute of each hour.
    """
    held = rows_by_window(lake, "delta_pair", windows)
    chosen, rows = windows, 0
    for days in range(1, parameters.training_days_max + 1):
        tried = Windows(max(windows.start, windows.end - timedelta(days=days)), windows.end)
        count = sum(held.get(window.key, 0) for window in tried)
        if days > parameters.training_days_min and count > parameters.training_rows:
            break
        chosen, rows = tried, count
    hosts = pc.count_distinct(lake.arrow("delta_pair", ["host_ip"], chosen.by_day()[-1])["host_ip"]).as_py()
    with_rows = [window for window in chosen if held.get(window.key)]
    if not with_rows:
        return None
    share, drawn = most / max(rows, 1), None
    if share < 1:
        shuffled = sorted(with_rows, key=lambda window: sha256(window.key.encode()).digest())
        some = shuffled[: ceil(share * len(with_rows))]
        drawn = tuple(sorted(window_number(window.start) for window in some))
    return Chosen(chosen, drawn, hosts, rows, with_rows[0], with_rows[-1])


def _fit(
    scope: Scope, parts: Sequence[Part], span: tuple[int, int], settings: FitSettings
) -> tuple[dict[str, Learnt], HostScores]:
    """What the members learn from the windows of a span, and what they add to the raw scores there."""
    members = {member: fit(evidence_of(scope, member, parts, *span), settings.parameters) for member in MEMBERS}
    scores = {member: learnt.scores for member, learnt in members.items()}
    return members, _added(scores, settings.parameters.weights)


def _scored(scope: Scope, parts: Sequence[Part], span: tuple[int, int], member: str, learnt: Learnt) -> HostScores:
    """The scores that a member gives to the windows of a span."""
    evidence = evidence_of(scope, member, parts, *span)
    common = common_maxima(evidence, scope.parameters)

    def scores(part: EvidencePart) -> HostScores:
        return HostScores.of_kinds(learnt.model.score(learnt.model.habits.left_out(part()), common))

    found = HostScores.joined([scores(part) for part in evidence])
    return NetworkLevels.of(found, scope.parameters).of_scores(found, learnt.model.usual_levels)


def _has_rows(scope: Scope, parts: Sequence[Part], span: tuple[int, int]) -> bool:
    return any(len(part().window) for part in evidence_of(scope, "pairs", parts, *span))


def _added(scores: Mapping[str, HostScores], weights: Weights) -> HostScores:
    """The weighted sum of the members' scores of hosts' windows; pairs have none where all are of odd habits."""
    spread = scores["spread"].highest()
    pairs = scores["pairs"].of(spread.host, spread.window)
    return replace(spread, values=weights.pairs * pairs + weights.spread * spread.values)


def _calibration(
    detector: Detector, scores: HostScores, lake: Lake, chosen: Chosen, settings: FitSettings, horizon: str
) -> ScoreQuantiles | None:
    """The distribution of the raw scores of the last training days with pair scores; None where no host has both.

    The days are as many as have `calibration_rows`. A raw score that more than `alerts_per_1000_host_days` of their
    hosts' days reach is below the alert line, however few windows do.
    """
    parameters = settings.parameters
    hosts = distinct(scores.host)
    found: list[Floats] = []
    host_days: list[Integers] = []
    first = int(scores.window.min(initial=LATE))
    left_out = LeftOut(read_calendar(lake).touching(chosen.windows, MEMORY), MEMORY)
    for day in reversed(chosen.windows.by_day()):
        late = [window for window in day if window_number(window.start) >= first]
        if not late or sum(map(len, found)) >= parameters.pairs.calibration_rows:
            break
        read = Windows(late[0].start, day.end)
        for rows in read_rows(lake, read, model_features(settings.spec), horizon):
            place, kept = places(hosts, of_texts(rows.keys["host_ip"], address_codes))
            kept &= left_out.kept(rows.keys["window_start_ts"], rows.keys["host_ip"])
            if chosen.drawn is not None:
                kept &= np.isin(window_numbers(rows.keys["window_start_ts"]), chosen.drawn)
            by_features = parameters.weights.features * detector.feature_scores(rows.values[kept])
            found.append(scores.of_keys(rows.keys.filter(pa.array(kept))) + by_features)
            days = window_numbers(rows.keys["window_start_ts"])[kept] // WINDOWS_PER_DAY
            host_days.append(place[kept] << WINDOW_BITS | days)
    raw = np.concatenate([np.zeros(0), *found])
    if not len(raw):
        return None
    return ScoreQuantiles.of_host_days(raw, np.concatenate(host_days), ALERT_SCORE, parameters.calibration)
