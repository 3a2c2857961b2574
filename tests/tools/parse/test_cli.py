from __future__ import annotations

import csv
import gzip
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from common.contracts.session import SESSION_COLUMNS, SOURCE_COLUMNS
from tests.common.logs.panos_logs import threat, traffic
from tests.terminals import on_terminal
from tools.parse.cli import main

NAMES = [column.name for column in (*SESSION_COLUMNS, *SOURCE_COLUMNS)]


def parse(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two good records, one of them twice, a start log, a system log and a bad one among 24 more good ones."""
    lines = [traffic(), threat(), traffic(), traffic(changes={4: "start"}), traffic(30, {3: "SYSTEM"})]
    lines += [traffic(changes={25: "65536"})] + [traffic(changes={39: str(number)}) for number in range(24)]
    path = tmp_path / "fw.log"
    path.write_text("\n".join(lines))
    return path


WHOLE = {
    "damaged_files": 0, "unreadable_files": 0, "missing_bytes": 0, "files": 1, "skipped": [], "holes": [],
    "incomplete_reason": None,
}  # fmt: skip
COUNTS = {
    "read": 30, "kept": 26, "duplicate": 1, "uncounted": 2, "rejected": 1, "others": {"SYSTEM": 1},
} | WHOLE  # fmt: skip


def counted(result: Result) -> dict[str, Any]:
    """The counts on stderr, but for where the zones of the times came from."""
    found: dict[str, Any] = json.loads(result.stderr)
    assert isinstance(found.pop("zones"), dict)
    return found


def test_sessions_on_stdout_counts_on_stderr(log: Path) -> None:
    result = parse(log)
    assert result.exit_code == 0
    assert counted(result) == COUNTS
    found = rows(result.stdout)
    assert len(found) == 26 and all(list(row) == NAMES for row in found)
    expected = {
        "event_type": "TRAFFIC", "subtype": "end", "start_ts": "2024-03-11T16:22:50.000000Z",
        "end_ts": "2024-03-11T16:23:02.000000Z", "log_ts": "2024-03-11T16:23:30.071000Z",
        "duration_s": 12.0, "src_ip": "10.20.12.121", "src_port": 55331,
        "dst_ip": "34.230.55.224", "dst_port": 443, "protocol": "tcp", "bytes_sent": 367, "bytes_received": 197,
        "packets_sent": 2, "packets_received": 2, "action": "allow", "session_end_reason": "aged-out", "app": "ssl",
        "rule": "allow-untrust", "src_zone": "users", "dst_zone": "untrust", "src_user": None,
        "session_id": "2042976", "device_serial": "012501009999", "sequence_number": 7100000000002042975,
        "repeat_count": 1, "threat_id": None, "severity": None, "threat_category": None, "url": None,
        "url_category": "any", "app_category": "networking", "app_risk": 4, "dst_user": None,
        "src_country": "10.0.0.0-10.255.255.255", "dst_country": "United States", "nat_src_ip": "203.0.113.9",
        "nat_src_port": 40001, "nat_dst_ip": None, "nat_dst_port": None, "device_name": "fw-1",
        "virtual_system": "vsys1", "source_file": str(log), "source_line": 1,
    }  # fmt: skip
    assert found[0] == expected
    assert found[1]["end_ts"] == "2024-03-11T16:23:30.250000Z" and found[1]["duration_s"] is None


def test_the_option_all_adds_the_status(log: Path) -> None:
    found = rows(parse(log, "--all").stdout)
    assert len(found) == 28
    assert [row["status"] for row in found[:4]] == ["kept", "kept", "duplicate", "uncounted"]


def test_files_in_both_formats_hold_the_same(log: Path, tmp_path: Path) -> None:
    for name in ("out.parquet", "out.ndjson"):
        result = parse(log, "--out", tmp_path / name, "--rejects", tmp_path / "rejects.ndjson")
        assert (result.exit_code, result.stdout, counted(result)) == (0, "", COUNTS)
    (reject,) = rows((tmp_path / "rejects.ndjson").read_text())
    assert (reject["source_file"], reject["source_line"]) == (str(log), 6)
    assert reject["reason"] == "dst_port 65536 is outside 0 to 65535"
    assert reject["raw"] == log.read_text().splitlines()[5]
    found = pq.read_table(tmp_path / "out.parquet").to_pylist()
    again = rows((tmp_path / "out.ndjson").read_text())
    for row in found:
        row |= {name: row[name] and row[name].isoformat(timespec="microseconds").replace("+00:00", "Z")
                for name in ("start_ts", "end_ts", "log_ts")}  # fmt: skip
    assert found == again
    assert not list(tmp_path.glob(".*"))


def test_its_own_output_is_an_input(log: Path, tmp_path: Path) -> None:
    parse(log, "--out", tmp_path / "out.parquet", "--all")
    counts = counted(parse(tmp_path / "out.parquet"))
    expected = {"read": 28, "kept": 26, "duplicate": 1, "uncounted": 1, "rejected": 0, "others": {}}
    assert counts == expected | WHOLE


def test_text_is_escaped_as_json(tmp_path: Path) -> None:
    path = tmp_path / "fw.log"
    path.write_bytes(traffic(changes={11: '"a ""b"" \\ \x01 ü"', 14: "caf#"}).encode().replace(b"#", b"\xe9"))
    (row,) = rows(parse(path).stdout)
    assert (row["rule"], row["app"]) == ('a "b" \\ \x01 ü', "caf\\xe9")


def test_a_damaged_file_fails_after_everything_else_is_written(log: Path, tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(log.read_bytes()))
    packed[-6] ^= 1  # the checksum
    damaged, out = tmp_path / "damaged.gz", tmp_path / "out.ndjson"
    damaged.write_bytes(packed)
    (tmp_path / "notes").write_text("no log\n")
    result = parse(damaged, tmp_path / "note*", "--out", out)
    assert result.exit_code == 1 and len(rows(out.read_text())) == 26
    counts, error = result.stderr.splitlines()
    found = json.loads(counts)
    assert found["holes"] == [
        {"path": str(tmp_path / "notes"), "reason": "is in no known log format", "line": None, "missing_bytes": 7},
        {"path": str(damaged), "reason": "the checksum of the gzip data is wrong: records may be altered", "line": 30,
         "missing_bytes": 0},
    ]  # fmt: skip
    assert (found["read"], found["rejected"], found["damaged_files"], found["unreadable_files"]) == (31, 2, 1, 1)
    assert error.startswith("error: 1 damaged file, 1 that cannot be read; the first: ") and str(damaged) not in error


def test_fields_and_file_names_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    hostile = "\x9b2J\u202e\x1b[31m"
    path, rejects = tmp_path / f"fw{hostile}.log", tmp_path / "rejects.ndjson"
    path.write_text("\n".join([traffic(changes={11: hostile}), f"nonsense {hostile}", traffic(changes={25: hostile})]))
    result = parse(path, "--rejects", rejects)
    (tmp_path / f"no{hostile}\nlog").write_text("hello")
    for text in (result.stdout, result.stderr, rejects.read_text(), parse(tmp_path / f"no{hostile}\nlog").stderr):
        assert text and not set("\x9b\x1b\u202e") & set(text)
    assert rows(result.stdout)[0]["rule"] == hostile
    assert rows(rejects.read_text())[0]["raw"] == f"nonsense {hostile}"


def test_a_summary_for_people_and_as_json(log: Path) -> None:
    result = parse(log, "--stats")
    assert result.exit_code == 0 and counted(result) == COUNTS
    lines = result.stdout.splitlines()
    assert lines[0] == f"files    1 (1 panos), {log.stat().st_size:,} bytes, 0 skipped"
    assert lines[1] == "records  30: 26 kept, 1 duplicate, 2 uncounted, 1 rejected"
    assert "others   1 SYSTEM" in lines
    assert "times    sessions ended from 2024-03-11T16:23:02Z to 2024-03-11T16:23:30.250000Z" in lines
    assert re.search(r"\bsrc_ip +100\.0%", result.stdout) and re.search(r"\bseverity +3\.8%", result.stdout)
    assert lines[-2] == "rejects  1: dst_port ... is outside ... to ..."
    assert lines[-1].startswith(f"         as {log}:6: 1,2024/03/11") and len(lines[-1]) < 400
    summary = json.loads(parse(log, "--stats", "--format", "json").stdout)
    assert summary == json.loads(parse(log, "--stats", "--format", "ndjson").stdout)
    assert summary["records"] == {name: COUNTS[name] for name in ("read", "kept", "duplicate", "uncounted", "rejected")}
    assert (summary["formats"], summary["others"], summary["fields"]["app"]) == ({"panos": 1}, {"SYSTEM": 1}, 1.0)
    assert summary["fields"]["severity"] == round(1 / 26, 6)
    assert summary["rejects"][0]["example"]["source_line"] == 6


@pytest.mark.slow
def test_a_sample_is_spread_over_the_input(tmp_path: Path) -> None:
    path = tmp_path / "fw.log"
    path.write_text("\n".join(traffic(46, {39: str(number)}) for number in range(30_000)))  # more than one batch
    numbers = [row["sequence_number"] for row in rows(parse(path, "--sample", "60").stdout)]
    assert len(numbers) == 60 and numbers == sorted(set(numbers))
    assert all(0 < sum(begin <= number < begin + 10_000 for number in numbers) < 40 for begin in (0, 10_000, 20_000))
    assert [row["sequence_number"] for row in rows(parse(path, "--sample", "60").stdout)] == numbers
    assert counted(parse(path, "--sample", "60"))["kept"] == 30_000
    assert len(rows(parse(path, "--sample", "40000").stdout)) == 30_000


@pytest.mark.slow
@pytest.mark.parametrize("stdout", ["a pipe", "a file"])
def test_a_terminal_shows_how_far_it_is(tmp_path: Path, stdout: str) -> None:
    path = tmp_path / "fw.csv"
    path.write_text("\n".join(traffic(46, {39: str(number)}) for number in range(60_000)))
    out = tmp_path / "out"
    command = f"{sys.executable} -m tools.parse.cli {path} {'>' if stdout == 'a file' else '| cat >'} {out}"
    shown = on_terminal(["bash", "-c", command])
    assert shown.code == 0 and len(out.read_text().splitlines()) == 60_000
    assert any(re.search(r"[0-9.]+ of [0-9.]+ MB.* MB/s.* left", line) for line in shown.moved), shown.moved


def test_zone_from_the_option_or_the_project_parameters(tmp_path: Path) -> None:
    path, parameters = tmp_path / "fw.log", tmp_path / "project.yaml"
    path.write_text(traffic(75))
    parameters.write_text("log_time_zone: Asia/Tokyo\n")
    for arguments, expected in (
        ((), "2024-03-11T16:22:50.000000Z"),
        (("--log-time-zone", "-05:00"), "2024-03-11T21:22:50.000000Z"),
        (("--parameters", parameters), "2024-03-11T07:22:50.000000Z"),
        (("--parameters", parameters, "--log-time-zone", "Europe/Berlin"), "2024-03-11T15:22:50.000000Z"),
    ):
        assert rows(parse(path, *arguments).stdout)[0]["start_ts"] == expected


def test_other_forms_hold_the_same_sessions(tmp_path: Path) -> None:
    path = tmp_path / "fw.log"
    path.write_text("\n".join(traffic(changes={39: str(number)}) for number in range(3)))
    lines = rows(parse(path).stdout)
    assert json.loads(parse(path, "--format", "json").stdout) == [
        session | {name: value.replace(".000000Z", "Z") for name, value in session.items() if name.endswith("_ts")}
        for session in lines
    ]
    cells = list(csv.DictReader(parse(path, "--format", "csv").stdout.splitlines()))
    assert [row["src_ip"] for row in cells] == [session["src_ip"] for session in lines]
    assert list(cells[0]) == list(lines[0])
    assert json.loads(parse(path, "--format", "csv").stderr)["kept"] == 3


def test_too_many_rejects_fail_after_they_are_written(tmp_path: Path) -> None:
    path, out, rejects = tmp_path / "fw.log", tmp_path / "out.ndjson", tmp_path / "rejects.ndjson"
    good = [traffic(changes={39: str(number)}) for number in range(19)]
    path.write_text("\n".join([*good, "nonsense,x"]))
    assert parse(path, "--log-format", "panos").exit_code == 0  # 1 of 20 is 0.05, not more
    path.write_text("\n".join([*good[:18], "nonsense,x"]))
    result = parse(path, "--out", out, "--rejects", rejects)
    assert result.exit_code == 1 and not out.exists()
    assert result.stderr == (
        f"error: 1 of 19 records were rejected, more than max_rejected_ratio 0.05. See {rejects}\n"
    )
    assert len(rows(rejects.read_text())) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("missing.log",), 1, "'missing.log' does not exist"),
        (("empty.log",), 1, "empty.log is empty"),
        (("text.log",), 1, "text.log is in no known log format"),
        (("blank.log", "--log-format", "panos"), 1, "no records in blank.log"),
        (("fw.log", "--log-time-zone", "Mars/Base"), 1, 'log_time_zone is "Mars/Base"'),
        (("fw.log", "--stats", "--out", "x.parquet"), 1, "--stats goes with neither"),
        (("fw.log", "--stats", "--format", "csv"), 1, "no form 'csv'"),
        (("fw.log", "--sample", "0"), 2, "--sample"),
        (("fw.log", "--out", "x.csv"), 1, "'x.csv' has an unknown suffix"),
        (("fw.log", "--out", "no/such/x.parquet"), 1, "no/such/x.parquet cannot be written"),
        (("fw.log", "--parameters", "none.yaml"), 1, "none.yaml"),
        (("fw.log", "--log-format", "csv"), 2, "'csv'"),
        ((), 2, "INPUT"),
    ],
)
def test_mistakes_are_reported_in_one_line(
    arguments: tuple[str, ...], code: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("empty.log", ""), ("text.log", "hello\n"), ("blank.log", "\n \n"), ("fw.log", traffic())):
        Path(name).write_text(text)
    result = parse(*arguments)
    assert result.exit_code == code and message in result.stderr
    assert "Traceback" not in result.stderr
    assert code == 2 or result.stderr.count("\n") == 1


def test_help_has_an_example() -> None:
    result = parse("--help")
    assert result.exit_code == 0 and "Example: ndr-parse" in result.stdout


@pytest.mark.slow
def test_little_memory_is_said_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "fw.log"
    path.write_text("\n".join(traffic(46, {39: str(number)}) for number in range(60_000)))
    script = (
        "import resource, sys; from tools.parse.cli import main; from common.logs.formats import parquet\n"
        "pages = int(open('/proc/self/statm').read().split()[0])\n"
        "limit = pages * resource.getpagesize() + 24 * 2**20\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit)); main([sys.argv[1]])"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        1, "error: there is not enough memory. Give the command more, or less input at a time\n"
    )  # fmt: skip


@pytest.mark.slow
def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "fw.csv.gz"
    path.write_bytes(gzip.compress(b"".join(traffic(46, {39: str(n)}).encode() + b"\n" for n in range(50_000))))
    command = f"{sys.executable} -m tools.parse.cli {path} | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and len(rows(done.stdout)) == 1 and "Traceback" not in done.stderr
