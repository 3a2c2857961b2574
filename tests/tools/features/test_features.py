"""The catalogue: every column of the lake has an entry, and the committed page is the generated one."""

from __future__ import annotations

import csv
import io
import json

import pytest
from click.testing import CliRunner, Result

from common.contracts import tables
from common.display import in_csv
from tests.checkout import ROOT
from tests.factories import SPEC
from tools.features.catalogue import markdown
from tools.features.cli import main
from tools.features.entries import counts, entries

PAGE = ROOT / "docs" / "features.md"


def features(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.mark.parametrize("table", ["fg_a", "fg_b/host", "fg_c"])
def test_every_number_of_a_feature_table_has_an_entry(table: str) -> None:
    numbers = {column.name for column in tables(SPEC)[table].columns if column.type in ("double", "boolean")}
    known = entries(SPEC)
    assert numbers - set(known) == set()
    assert {name for name in numbers if table not in known[name].table} == set()
    assert [name for name in numbers if not (known[name].meaning and known[name].formula)] == []


def test_null_rules_agree_with_the_tables() -> None:
    nullable = {
        column.name: column.nullable for name in ("fg_a", "fg_b/host", "fg_c") for column in tables(SPEC)[name].columns
    }
    found = {name: bool(entry.null_when) for name, entry in entries(SPEC).items() if name in nullable}
    assert found == {name: nullable[name] for name in found}


def test_a_deviation_says_of_what_over_which_window() -> None:
    result = features("in_deny_ratio_w_1h_z_mad", "--format", "json")
    (found,) = json.loads(result.stdout)
    assert (found["table"], found["role"], found["window"], found["unit"]) == ("fg_c", "inbound", "1 h", "scales")
    assert "x = in_deny_ratio_w_1h, floor = 0.01" in found["formula"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("sessions_cnt", "unit       sessions"),
        ("short_session_cnt", "formula    sum of repeat_count over TRAFFIC records with duration_s < 1"),
        ("new_peer_cnt_lookback30d_w_8h", "null when  the host has no session in the history in either role"),
        ("scan_suspicion_score", "table      fg_c"),
        ("pair_rarity_max", "null when  the host is not a source in the window"),
        ("sessions_cnt_mad", "table      fg_b/host, fg_b/segment"),
        ("drop_cnt", "table      delta_host"),
        ("hour_of_day", "unit       h"),
    ],
)
def test_every_sort_of_name_is_found(name: str, line: str) -> None:
    assert line in features(name).stdout.splitlines()


def test_an_unknown_name_is_a_usage_error_with_the_nearest_ones() -> None:
    result = features("sesions_cnt")
    assert result.exit_code == 2
    assert "did you mean sessions_cnt" in result.stderr


def test_formats_hold_the_same_metrics() -> None:
    metrics = json.loads(features("--format", "json").stdout)
    assert [entry["name"] for entry in metrics] == list(SPEC.metric_names)
    assert [json.loads(line) for line in features("--format", "ndjson").stdout.splitlines()] == metrics
    cells = [{name: in_csv(value) for name, value in metric.items()} for metric in metrics]  # -sum(...) is no formula
    assert list(csv.DictReader(io.StringIO(features("--format", "csv").stdout))) == cells
    table = features("--format", "table").stdout
    assert all(metric["name"] in table for metric in metrics)
    text = features().stdout
    assert all(name in text for name in SPEC.metric_names)


def test_counts_are_those_of_the_tables() -> None:
    found = list(counts(SPEC).values())
    columns = {
        name: [column for column in table.columns if column.type in ("int", "double")]
        for name, table in tables(SPEC).items()
    }
    assert found[1] == len(columns["fg_a"])
    assert found[3] + found[4] == len(columns["fg_c"])
    assert found[5] == len(columns["fg_a"]) + len(columns["fg_c"])


def test_the_page_is_the_generated_one() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(SPEC), "run make docs-reference"
