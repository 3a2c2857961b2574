"""The feature specification: what it makes of its rows, and how it names what is wrong with them."""

from __future__ import annotations

from importlib import resources
from math import prod

import pytest

from common.errors import SpecError
from common.features.computed import check_computed
from common.features.spec import parse_spec
from jobs.fg_a.metrics import check_formulas
from tests.factories import SPEC
from tests.oracle.deltas import COUNTS, SUMS
from tests.oracle.features import DERIVED, FLAGS, NOVEL, SPREAD

TEXT = resources.files("common.features").joinpath("v1.yaml").read_text(encoding="utf-8")
ROW = "  - {name: traffic_cnt,"


def parsed(old: str, new: str) -> object:
    assert TEXT.count(old) == 1
    return parse_spec(TEXT.replace(old, new), "v1.yaml")


def test_there_are_as_many_features_as_the_oracle_computes_metrics() -> None:
    slices_only = {"drop_cnt", "packets_src_sum", "packets_dst_sum"}
    ports = {f"{name}_port_sessions_cnt" for name in SPEC.port_sets}
    computed = {*COUNTS, *SUMS, *ports, *SPREAD.split(), *DERIVED, *FLAGS, *NOVEL} - slices_only
    assert computed == set(SPEC.metric_names)
    each = prod((len(SPEC.window_labels), len(SPEC.roles)))
    assert len(set(SPEC.fg_a_features())) == len(computed) * each + len(SPEC.context)
    without = {"aged_out_cnt", "tcp_cnt", "udp_cnt", "icmp_cnt"}
    assert len(set(SPEC.fg_c_features())) == len(computed - without) * each * len(("z_mad", "ratio", "log_ratio"))


def test_placeholders_stand_for_the_constants() -> None:
    sums = {metric.name: metric.sum for metric in SPEC.sums}
    assert sums["short_session_cnt"] == "duration_s < 1"
    assert sums["directory_port_sessions_cnt"] == "dst_port in (88, 389, 464, 636, 3268, 3269)"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: traffic_cnt, kind: count", "name: traffic_cnt, kind: cuont", "metric traffic_cnt: kind cuont does not"),
        ("name: duration_mean, kind: seconds", "name: duration_mean, kind: second",
         "metric duration_mean: kind 'second' is unknown (did you mean seconds?). Use one of count"),
        (", words: traffic logs", "", "metric traffic_cnt: words are missing. Add words"),
        ("words: traffic logs", "word: traffic logs", "metric traffic_cnt: unknown field 'word' (did you mean words?)"),
        ("meaning: traffic records, ", "", "metric traffic_cnt: field 'meaning' is missing. Add meaning"),
        ("$admin", "$admn", "metric admin_port_sessions_cnt: the sum has an unknown placeholder: 'admn'"),
        ("name: rst_cnt", "name: deny_cnt", "metric deny_cnt: declared twice"),
        ("outbound: [bytes_src_sum,", "outbound: [bytes_sum,",
         "composite exfiltration_suspicion_score: no metric with a deviation is called 'bytes_sum' (did you mean"),
        ("support_min: 50", "support_min: many", "baseline.support_min: 'many' is of the wrong type"),
        ("support_min: 50", "", "baseline.support_min: missing"),
        ("rare_pair_days: 2", "rare_pair_days: [2", "line "),
        ("words: traffic logs}", "words: traffic logs, deviation: no}", None),
    ],
)  # fmt: skip
def test_an_error_names_the_row_and_the_remedy(old: str, new: str, message: str | None) -> None:
    if message is None:
        parsed(old, new)
        return
    with pytest.raises(SpecError) as caught:
        parsed(old, new)
    assert str(caught.value).startswith("v1.yaml, ")
    assert message in str(caught.value)


def test_a_metric_that_nothing_computes_is_named() -> None:
    row = "  - {name: median_gap, kind: seconds, formula: median of the gaps, unit: s, meaning: median gap}\n"
    spec = parse_spec(TEXT.replace(ROW, row + ROW), "v1.yaml")
    with pytest.raises(SpecError, match=r"nothing computes median_gap. Add its computation to FORMULAS in jobs/fg_a"):
        check_formulas(spec)


def test_a_computation_without_a_row_is_named() -> None:
    with pytest.raises(SpecError, match=r"statistics.py computes skew, which .* Add a row to baseline.statistics"):
        check_computed(SPEC, "baseline.statistics", ["mad"], ["mad", "skew"], "jobs/fg_b/statistics.py")
