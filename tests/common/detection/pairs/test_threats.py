"""Threats that firewalls report of pairs: as rare as they are in training, and never evidence alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from common.contracts.columns import THREAT_SEVERITY
from common.detection.pairs.activity import activity_of
from common.detection.pairs.evidence import PIECES, RARITIES, THREAT, Evidence, pair_evidence
from common.detection.pairs.explain import explain_pairs
from common.detection.pairs.fitting import Learnt, fit
from common.detection.pairs.kept_evidence import KeptEvidence, keep_evidence
from common.detection.pairs.scoring import without_lasting
from common.lake.lake import Lake
from common.storage.kept_tables import KeptTables
from common.windows import WINDOW, Windows
from tests.common.detection.pairs.pair_tables import CIDRS, busy_hosts, slice_row, write_pairs
from tests.common.detection.synthetic import SETTINGS
from tests.factories import SPEC

FIRST, NOW = datetime(2026, 3, 8, 0, 8, tzinfo=UTC), datetime(2026, 3, 10, 12, 8, tzinfo=UTC)
PARAMETERS = SETTINGS.parameters


def evidence_of(folder: Path, rows: list[dict[str, Any]], windows: Windows) -> Evidence:
    lake = Lake(str(write_pairs(folder, rows, unfinished=f"{NOW:%Y-%m-%d}")), SPEC)
    activity = activity_of(lake, windows, CIDRS, PARAMETERS.pairs)
    assert activity is not None
    return pair_evidence(activity, PARAMETERS.pairs)


def with_threats(evidence: Evidence, severity: dict[int, int]) -> Evidence:
    """The evidence with threats of these severities in these rows."""
    threat = np.zeros(len(evidence.kind), dtype=np.int8)
    threat[[*severity]] = [*severity.values()]
    column = evidence.rows.schema.get_field_index(THREAT_SEVERITY.name)
    rows = evidence.rows.set_column(column, THREAT_SEVERITY.name, pa.array(threat))
    return pair_evidence(rows, PARAMETERS.pairs)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """Two days of four hosts, without threats."""
    rows = busy_hosts(FIRST, 4, 192)
    return evidence_of(tmp_path_factory.mktemp("lake"), rows, Windows(FIRST, FIRST + 192 * WINDOW))


@pytest.fixture(scope="module")
def learnt(evidence: Evidence) -> Learnt:
    """What is learnt where one row has a high threat and nine have low ones."""
    return fit([lambda: with_threats(evidence, {3: 4} | dict.fromkeys(range(20, 29), 2))], PARAMETERS)


def test_a_window_has_the_worst_of_its_threats_whatever_the_protocol(tmp_path: Path) -> None:
    now = [(1, 2, "tcp"), (1, 4, "udp"), (1, 1, "icmp"), (2, None, "tcp"), (3, 3, "tcp"), (4, 5, "tcp")]
    rows = [
        slice_row(NOW, host_ip=f"10.0.0.{host}", protocol=protocol, threat_severity=severity)
        for host, severity, protocol in now
    ]
    before = [slice_row(NOW - timedelta(hours=1), host_ip="10.0.0.2", threat_severity=5)]
    found = evidence_of(tmp_path, [*before, *rows], Windows(NOW, NOW + WINDOW))
    assert found.rows[THREAT_SEVERITY.name].to_pylist() == [4, 0, 3, 5]
    assert found.threat is not None and found.threat.tolist() == [4, 0, 0, 5]  # high and critical ones count


def test_logs_without_threats_change_no_score(evidence: Evidence) -> None:
    silent = replace(evidence, threat=None)
    with_, without = fit([lambda: evidence], PARAMETERS), fit([lambda: silent], PARAMETERS)
    found, known = with_.rows(0), without.rows(0)
    assert (found.names, known.names) == (PIECES, PIECES[:-1])
    assert found.sums.any() and not found.pieces[:, -1].any()
    for name in ("sums", "scores", "best", "lowered_by"):
        assert getattr(found, name).tobytes() == getattr(known, name).tobytes()
    # nor do threats, to a model that has learnt from none: before, the firewall may not have reported them
    threats = with_threats(evidence, dict.fromkeys(range(len(evidence.kind)), 5))
    for model in (with_.model, without.model):
        assert model.score(threats).scores.tobytes() == without.model.score(silent).scores.tobytes()


def test_a_threat_counts_as_rare_as_it_is_and_as_all_else_at_most(evidence: Evidence, learnt: Learnt) -> None:
    plain = learnt.model.score(evidence)
    weak, strong = int(np.argmin(plain.sums)), int(np.argmax(plain.sums))
    assert plain.sums[weak] == 0.0
    found = learnt.model.score(with_threats(evidence, {weak: 5, strong: 5}))
    rare = np.log10((len(evidence.kind) + 1) / 2)  # one row of all has had one so severe
    assert found.pieces[weak, -1] == 0.0
    assert found.pieces[strong, -1] == pytest.approx(min(rare, plain.sums[strong]))
    assert found.sums[strong] == pytest.approx(plain.sums[strong] + found.pieces[strong, -1])
    assert np.count_nonzero(found.pieces[:, -1]) == 1
    low = learnt.model.score(with_threats(evidence, {strong: 3}))
    assert low.sums.tobytes() == plain.sums.tobytes()


def test_the_limit_is_what_counts_where_nothing_lasts(evidence: Evidence, learnt: Learnt) -> None:
    names = (RARITIES[0], "lasting_days", THREAT)
    pieces = np.array([[2.0, 1.0, 3.0], [2.0, 0.0, 1.5], [0.5, 3.0, 3.0]])
    some = evidence.of_rows(np.arange(3))
    some = replace(some, rarities={RARITIES[0]: np.zeros(3)})
    found = without_lasting(pieces, names, some, np.array([False, True, True]))
    assert found.tolist() == [[2.0, 1.0, 3.0], [2.0, 0.0, 1.5], [0.0, 0.0, 0.0]]


def test_kept_evidence_has_the_threats(evidence: Evidence, tmp_path: Path) -> None:
    tables = KeptTables(str(tmp_path))
    keep_evidence(tables, "pairs", [with_threats(evidence, {2: 4})])
    keep_evidence(tables, "silent", [replace(evidence, threat=None)])
    kept = KeptEvidence(tables, "pairs", 0, 2**40)().threat
    assert kept is not None and np.flatnonzero(kept).tolist() == [2]
    assert KeptEvidence(tables, "silent", 0, 2**40)().threat is None


def test_a_reason_names_the_severity(evidence: Evidence, learnt: Learnt) -> None:
    strong = int(np.argmax(learnt.model.score(evidence).sums))
    scored = learnt.model.score(with_threats(evidence, {strong: 5}))
    keys = scored.evidence.rows.select(["host_ip", "window_start_ts"]).slice(strong, 1)
    found = explain_pairs(keys, scored, scored.strongest(keys), PARAMETERS.pairs)
    (reason,) = (reason for reason in found.reasons(1.0)[0] if reason["feature"] == "pair_threat")
    assert (reason["value"], reason["baseline_median"]) == (5.0, 0.0)
    assert '"threat": "critical"' in found.strongest_pairs[0]
