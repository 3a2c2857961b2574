from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tools.simulate.cli import main
from tools.simulate.config import SimulateConfig
from tools.simulate.job import run

pytestmark = pytest.mark.slow

SMALL: dict[str, Any] = {"days": 2, "hosts": 12, "intensity": 0.1, "seed": 7}
Line = list[str]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulate") / "out"
    run(SimulateConfig(out=out, **SMALL))
    return out


@pytest.fixture(scope="module")
def scenario(small: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((small / "scenario.json").read_text())
    return content


@pytest.fixture(scope="module")
def batches(small: Path, scenario: dict[str, Any]) -> dict[str, list[Line]]:
    return {b["window_start"]: lines_of(small / b["path"]) for b in scenario["batches"]}


def lines_of(folder: Path) -> list[Line]:
    with gzip.open(folder / "part-00000.csv.gz", "rt", newline="") as file:
        return list(csv.reader(file))


def finished(lines: list[Line]) -> list[Line]:
    """Sessions: TRAFFIC without `start` logs, each once."""
    return list({line[39]: line for line in lines if line[3] == "TRAFFIC" and line[4] != "start"}.values())


def seconds(stamp: str) -> int:
    return int(datetime.strptime(stamp, "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC).timestamp())


def window(line: Line) -> str:
    end = seconds(line[35]) + int(line[36])
    return datetime.fromtimestamp((end - 480) // 900 * 900 + 480, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.slow
def test_every_window_has_a_folder_with_its_sessions(batches: dict[str, list[Line]], scenario: dict[str, Any]) -> None:
    assert len(batches) == 2 * 96
    assert {b["window_start"]: b["rows"] for b in scenario["batches"]} == {w: len(v) for w, v in batches.items()}
    for start, lines in batches.items():
        assert {window(line) for line in finished(lines)} <= {start}
    first = scenario["batches"][0]
    assert first["window_start"] == "2026-03-03T00:08:00Z"
    assert first["path"].startswith("fw_paloalto/acme/hq/2026/03/03/")
    assert len(first["path"].rsplit("/", 1)[1]) == 16


def test_labels_count_the_sessions_of_the_files(
    small: Path, batches: dict[str, list[Line]], scenario: dict[str, Any]
) -> None:
    machines = {host["ip"] for host in scenario["hosts"]}
    found = Counter(
        (ip, start)
        for start, lines in batches.items()
        for line in finished(lines)
        for ip in line[7:9]
        if ip in machines
    )
    with (small / "labels.csv").open() as file:
        labels = list(csv.DictReader(file))
    assert {(row["host_ip"], row["window_start"]): int(row["total_flows"]) for row in labels} == dict(found)
    assert sum(row["attack"] != "" for row in labels) == scenario["counts"]["malicious_host_windows"]
    for row in labels:
        assert (row["attack"] == "") == (row["malicious_flows"] == "0")
        assert int(row["malicious_flows"]) <= int(row["total_flows"])


def test_attacks_are_on_the_last_day_at_the_named_hosts(small: Path, scenario: dict[str, Any]) -> None:
    with (small / "labels.csv").open() as file:
        bad = [row for row in csv.DictReader(file) if row["attack"]]
    assert min(row["window_start"] for row in bad) >= scenario["test_day_start"] == "2026-03-04T00:08:00Z"
    sources = {(row["host_ip"], name) for row in bad for name in row["attack"].split("+") if ":" not in name}
    assert sources == {(attack["ip"], attack["attack"]) for attack in scenario["attacks"]}
    assert {name for _, name in sources} == {
        "beacon_https", "port_scan", "brute_force", "exfiltration", "lateral_movement", "dns_tunnel"
    }  # fmt: skip


@pytest.mark.slow
def test_counts_match_the_files(batches: dict[str, list[Line]], scenario: dict[str, Any]) -> None:
    lines = [line for content in batches.values() for line in content]
    unique = {tuple(line) for line in lines}
    counts = scenario["counts"]
    assert counts["rows"] == len(lines)
    assert counts["duplicates"] == len(lines) - len(unique) > 0
    assert counts["threat_logs"] == sum(line[3] == "THREAT" for line in unique) > 0
    assert counts["start_logs"] == sum(line[4] == "start" for line in unique) > 0
    assert counts["sessions"] == len(finished(lines))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("version", "config", "traffic", "threat"), [("10.1", "2561", 115, 120), ("11.1", "2817", 117, 123)]
)
def test_lines_have_the_columns_of_their_release(
    tmp_path: Path, version: str, config: str, traffic: int, threat: int
) -> None:
    run(SimulateConfig(out=tmp_path / "out", panos_version=version, **{**SMALL, "days": 1}))
    lines = [line for file in (tmp_path / "out").rglob("*.gz") for line in lines_of(file.parent)]
    for line in lines:
        assert len(line) == (traffic if line[3] == "TRAFFIC" else threat)
        assert line[5] == config
        assert line[1] >= line[6]
        high_resolution = line[102 if line[3] == "TRAFFIC" else 107]
        assert datetime.fromisoformat(high_resolution).strftime("%Y/%m/%d %H:%M:%S") == line[6]
        if line[3] == "THREAT":
            assert line[4] in ("url", "vulnerability", "scan", "spyware")
            assert line[34] in ("informational", "low", "medium")
            assert line[32].endswith(")")
            assert line[111:115][3].isdigit()
        else:
            assert int(line[31]) == int(line[32]) + int(line[33])
            assert int(line[34]) == int(line[44]) + int(line[45])
            assert line[108].isdigit()
            assert line[114] == "0"
    flow_type = {line[115] for line in lines if line[3] == "TRAFFIC" and version == "11.1"}
    assert flow_type == ({"NonProxyTraffic"} if version == "11.1" else set())
    assert {line[121] for line in lines if len(line) == 123} == flow_type


def test_denied_and_unanswered_sessions_are_consistent(batches: dict[str, list[Line]]) -> None:
    sessions = [line for lines in batches.values() for line in finished(lines)]
    denied = [line for line in sessions if line[46] == "policy-deny"]
    assert denied
    for line in denied:
        assert (line[4], line[30]) in {("drop", "drop"), ("deny", "deny"), ("deny", "reset both")}
        assert (line[14], line[33], line[36], line[11]) == ("not-applicable", "0", "0", "interzone-default")
        assert (line[22] == "0") == (line[4] == "drop")
    assert all(line[30] == "allow" and line[4] == "end" for line in sessions if line[46] != "policy-deny")
    unanswered = [line for line in sessions if line[29] == "tcp" and line[45] == "0" and line[46] == "aged-out"]
    assert unanswered and all(line[14] == "incomplete" for line in unanswered)


@pytest.mark.slow
def test_no_descriptive_value_occurs_in_attacked_windows_only(small: Path) -> None:
    out = small.parent / "plain"
    run(SimulateConfig(out=out, **{**SMALL, "attack_days": 0}))
    clean = [line for file in out.rglob("*.gz") for line in finished(lines_of(file.parent))]
    mixed = [line for file in small.rglob("*.gz") for line in finished(lines_of(file.parent))]
    for column in (4, 11, 16, 17, 29, 30, 37, 46):  # subtype, rule, zones, protocol, action, category, reason
        assert {line[column] for line in mixed} <= {line[column] for line in clean}, column
    assert {line[14] for line in mixed} - {line[14] for line in clean} <= {"ms-rdp", "windows-remote-management"}


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_in_any_number_of_processes(small: Path, tmp_path: Path) -> None:
    run(SimulateConfig(out=tmp_path / "again", workers=2, **SMALL))
    run(SimulateConfig(out=tmp_path / "other", **{**SMALL, "seed": 8}))
    names = sorted(p.relative_to(small) for p in small.rglob("*") if p.is_file())
    assert all((small / n).read_bytes() == (tmp_path / "again" / n).read_bytes() for n in names)
    assert (small / "labels.csv").read_bytes() != (tmp_path / "other" / "labels.csv").read_bytes()


@pytest.mark.slow
def test_without_attack_days_nothing_is_malicious(tmp_path: Path) -> None:
    counts = run(SimulateConfig(out=tmp_path / "out", **{**SMALL, "days": 1, "attack_days": 0}))
    assert counts["malicious_host_windows"] == counts["malicious_rows"] == 0


@pytest.mark.slow
def test_command_prints_counts_and_guards_a_full_folder(tmp_path: Path) -> None:
    arguments = [
        "--out",
        str(tmp_path / "out"),
        "--days",
        "1",
        "--hosts",
        "10",
        "--intensity",
        "0.02",
        "--workers",
        "1",
    ]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["batches"] == 96
    before = (tmp_path / "out" / "labels.csv").read_bytes()
    refused = CliRunner().invoke(main, [*arguments, "--seed", "2"])
    assert refused.exit_code == 1
    assert "exists and is not empty" in refused.stderr
    assert (tmp_path / "out" / "labels.csv").read_bytes() == before
    assert CliRunner().invoke(main, [*arguments, "--seed", "2", "--overwrite"]).exit_code == 0
    assert (tmp_path / "out" / "labels.csv").read_bytes() != before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_overwrite_replaces_scenarios_only(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    result = CliRunner().invoke(main, ["--out", str(tmp_path), "--overwrite"])
    assert result.exit_code == 1
    assert "is not a simulated scenario" in result.stderr
    assert (tmp_path / "thesis.txt").exists()


def test_a_failed_run_leaves_nothing_behind(tmp_path: Path) -> None:
    class StopError(Exception):
        pass

    def stop(done: int) -> None:
        raise StopError

    with pytest.raises(StopError):
        run(SimulateConfig(out=tmp_path / "out", **SMALL), stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("option", "value", "code", "message"),
    [
        ("--days", "0", 1, "days = 0 is out of range"),
        ("--hosts", "3", 1, "hosts = 3 is out of range"),
        ("--attack-days", "9", 1, "attack_days = 9 is out of range"),
        ("--org1", "../x", 1, "is not a folder name"),
        ("--start", "2026-02-30", 2, "2026-02-30"),
        ("--panos-version", "9.1", 2, "9.1"),
    ],
)
def test_bad_options_are_named(tmp_path: Path, option: str, value: str, code: int, message: str) -> None:
    result = CliRunner().invoke(main, ["--out", str(tmp_path / "out"), option, value])
    assert result.exit_code == code
    assert message in result.stderr
    assert not (tmp_path / "out").exists()
