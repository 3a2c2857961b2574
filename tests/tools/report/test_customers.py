"""Alerts and incidents name the customer of the host's address, and need none."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.cases.customers import NOBODY, Customers, customer_words, finder
from common.contracts import tables
from tests.commands import call
from tests.common.detection.model_lake import HOSTS, RANGE, Overrides, host, make_lake, rows, write
from tests.factories import SPEC
from tools.report.cli import main

pytestmark = pytest.mark.slow

NAMES = ("ip_range", "customer_id", "plan_id", "region")
RANGES = [
    ("10.0.0.0/8", "C1", "P1", "Lagos"),
    ("10.20.0.0/16", "C2", "P2", "Oyo"),
    ("10.20.0.13", "C3", "", ""),
    ("fd00::/64", "C4", "P4", "Kano"),
]


def of(customer: str | None, plan: str | None = None, region: str | None = None) -> dict[str, str | None]:
    return {"customer_id": customer, "plan_id": plan, "region": region}


def written(path: Path, ranges: Sequence[tuple[str, ...]] = RANGES) -> str:
    """The path of a file with the ranges, in CSV as exports of Windows are, or in Parquet."""
    if path.suffix == ".parquet":
        table = pa.Table.from_pylist([dict(zip(NAMES, row, strict=True)) for row in ranges])
        pq.write_table(table, path)
    else:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([NAMES, *ranges])
    return str(path)


@pytest.mark.parametrize("name", ["ranges.csv", "ranges.parquet"])
@pytest.mark.parametrize(
    ("address", "customer"),
    [
        ("10.20.0.13", of("C3")),
        ("10.20.0.12", of("C2", "P2", "Oyo")),
        ("10.20.255.255@berlin", of("C2", "P2", "Oyo")),
        ("10.21.0.0", of("C1", "P1", "Lagos")),
        ("11.0.0.0", NOBODY),
        ("fd00::a", of("C4", "P4", "Kano")),
        ("fd00:0:0:1::", NOBODY),
    ],
)
def test_the_longest_range_counts(name: str, address: str, customer: dict[str, str | None], tmp_path: Path) -> None:
    assert finder(written(tmp_path / name))(address) == customer


def test_rows_without_a_meaning_are_left_out_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    given = [
        {"ip_range": "10.0.0.0/33", "customer_id": "C1"},
        {"ip_range": "10.0.0.1/8", "customer_id": "C1"},
        {"ip_range": "10.0.0.0/8", "customer_id": ""},
        {"ip_range": "10.0.0.0/8", "customer_id": "C2"},
        {"ip_range": "10.0.0.0/8", "customer_id": "C3"},
    ]
    found = Customers(enumerate(given, start=1))
    assert found.of("10.1.1.1") == of("C2")
    (warning,) = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert warning["level"] == "warning"
    assert warning["message"] == (
        "customer_ranges: 4 rows left out: row 1: '10.0.0.0/33' is no range of addresses; row 2: '10.0.0.1/8' is no "
        "range of addresses; row 3: 10.0.0.0/8 has no customer_id; ..."
    )


def test_a_range_of_two_customers_is_of_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    ranges = [{"ip_range": "10.0.0.0/8", "customer_id": customer} for customer in ("C2", "C2", "C3")]
    assert Customers(enumerate(ranges, start=1)).of("10.1.1.1") == of("C2")
    assert "1 row left out: row 3: 10.0.0.0/8 is of customer C2 already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("ranges.csv", None, "does not exist"),
        ("ranges.csv", b"ip_range,customer_id\n", "lacks plan_id, region"),
        ("ranges.csv", b"", "lacks ip_range, customer_id, plan_id, region"),
        ("ranges.parquet", b"PAR0", "alerts are without customers"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_warning(
    name: str, content: bytes | None, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert finder(str(tmp_path / name))("10.1.1.1") == NOBODY
    (warning,) = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert warning["level"] == "warning" and words in warning["message"]


def test_words_leave_out_what_is_not_known() -> None:
    assert customer_words(of("C2", "P2", "Oyo")) == ["customer C2, plan P2, region Oyo"]
    assert customer_words(of("C2")) == ["customer C2"]
    assert customer_words(NOBODY) == customer_words({}) == []


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake in which host 3 and host 7 alert in the last window."""
    lake = make_lake(tmp_path_factory.mktemp("lake"))
    overrides: Overrides = {
        "anomaly_score": dict.fromkeys(range(HOSTS), 0.5) | {3: 0.9999, 7: 0.9998},
        "raw_score": dict.fromkeys(range(HOSTS), 1.0) | {3: 10.0, 7: 9.0},
        "top_features": dict.fromkeys(range(HOSTS), "[]"),
        "model_id": dict.fromkeys(range(HOSTS), "if-1"),
        "model_sha256": dict.fromkeys(range(HOSTS), "00"),
    }
    write(lake, tables(SPEC)["predictions"], rows("predictions", list(RANGE)[-1], 0, overrides=overrides))
    return lake


def report(lake: Path, parameters: Path | None, *options: str) -> str:
    given = ("--parameters", parameters) if parameters else ()
    code, output, error = call(main, "--lake", lake, *given, "--top", "2", *options)
    assert code == 0, error
    return output


@pytest.mark.parametrize("what", [(), ("--cases",)])
def test_alerts_and_cases_carry_the_customer(what: tuple[str, ...], lake: Path, tmp_path: Path) -> None:
    ranges = written(tmp_path / "ranges.csv", [(host(3), "C3", "P3", "Oyo")])
    with_ranges, missing = tmp_path / "with.yaml", tmp_path / "missing.yaml"
    with_ranges.write_text(f"customer_ranges: {ranges}\n")
    missing.write_text(f"customer_ranges: {tmp_path}/none.csv\n")
    words = "      customer C3, plan P3, region Oyo"
    kind, who = ("cases", "source") if what else ("alerts", "host_ip")

    def found(parameters: Path | None) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = json.loads(report(lake, parameters, *what, "--json"))[kind]
        return entries

    without = found(None)
    assert [entry[who] for entry in without] == [host(3), host(7)]
    assert "customer_id" not in without[0]
    assert found(with_ranges) == [without[0] | of("C3", "P3", "Oyo"), without[1] | NOBODY]
    assert found(missing) == [entry | NOBODY for entry in without]
    shown = report(lake, with_ranges, *what).splitlines()
    assert words in shown
    assert report(lake, None, *what).splitlines() == [line for line in shown if line != words]
    flat = list(csv.DictReader(report(lake, with_ranges, *what, "--format", "csv").splitlines()))
    assert [row["customer_id"] for row in flat] == ["C3", ""]
