import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common.lake.lake import Lake
from tests.commands import call
from tests.factories import SPEC
from tests.tools.indicators.listing import BAD, NEXT, OTHER, contacts_lake, hosts, said
from tools.indicators.cli import main

STIX = {
    "type": "bundle", "id": "bundle--1",
    "objects": [
        {"type": "identity", "id": "identity--1", "name": "CERT"},
        {"type": "indicator", "id": "indicator--1", "created_by_ref": "identity--1", "name": "C2 server",
         "pattern": f"[ipv4-addr:value = '{BAD}']", "pattern_type": "stix", "valid_from": "2026-03-01T00:00:00Z",
         "confidence": 85, "indicator_types": ["malicious-activity"], "modified": "2026-03-01T00:00:00Z",
         "external_references": [{"source_name": "report", "url": "https://cert.example/1"}]},
        {"type": "indicator", "id": "indicator--2", "pattern": "[domain-name:value = 'bad.example']"},
        {"type": "indicator", "id": "indicator--3", "pattern": "x", "pattern_type": "yara"},
        {"type": "ipv4-addr", "id": "ipv4-addr--1", "value": "192.0.2.1"},
    ],
}  # fmt: skip
MISP = {
    "response": [{"Event": {
        "uuid": "11111111-2222-3333-4444-555555555555", "info": "Campaign 7", "date": "2026-03-02",
        "Orgc": {"name": "CIRCL"}, "Tag": [{"name": "tlp:white"}],
        "Attribute": [
            {"type": "ip-dst|port", "value": f"{OTHER}|22", "to_ids": True, "timestamp": "1772323200"},
            {"type": "ip-src", "value": NEXT, "to_ids": True, "first_seen": "2026-02-01T00:00:00+00:00"},
            {"type": "md5", "value": "d41d8cd98f00b204e9800998ecf8427e", "to_ids": True},
            {"type": "ip-dst", "value": "192.0.2.7", "to_ids": False},
        ],
        "Object": [{"Attribute": [{"type": "domain|ip", "value": "a.example|192.0.2.8", "to_ids": True}]}],
    }}],
}  # fmt: skip


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "lake").mkdir()
    return contacts_lake(tmp_path / "lake")


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, Any], Path]:
    def written(name: str, content: Any) -> Path:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return written


def test_an_import_looks_back_over_all_that_is_kept(lake: Path, file: Callable[[str, Any], Path]) -> None:
    rows, error = said(lake, "import", file("feodo.csv", f"value,first_seen,malware\n{BAD},2026-03-01,Emotet\n"))
    assert hosts(rows) == [("10.1.1.2", BAD, 3), ("10.1.1.1", BAD, 7)]
    assert rows[0]["indicators"] == f"{BAD} is in feodo since 2026-03-01 (Emotet)" and rows[0]["sources"] == "feodo"
    assert "1 new, 0 changed, 0 known already" in error and "2 hosts met an indicator" in error
    assert hosts(said(lake, "hits", "--days", "7")[0]) == [("10.1.1.2", BAD, 3)]


def test_stix_and_misp_say_who_and_since_when(lake: Path, file: Callable[[str, Any], Path]) -> None:
    rows, error = said(lake, "import", file("bundle.json", STIX), file("event.json", MISP))
    told = {row["peer_ip"]: row["indicators"] for row in rows}
    assert told == {
        BAD: f"{BAD} is in CERT since 2026-03-01 (C2 server, malicious-activity; confidence 85; https://cert.example/1)",
        NEXT: f"{NEXT} is in CIRCL since 2026-02-01 "
        "(Campaign 7, tlp:white; event 11111111-2222-3333-4444-555555555555)",
        OTHER: f"{OTHER}:22 is in CIRCL since 2026-03-01 "
        "(Campaign 7, tlp:white; event 11111111-2222-3333-4444-555555555555)",
    }
    assert "no session can meet 1 domain, 1 pattern of yara" in error
    assert "no session can meet 1 attribute that is not meant for detection, 1 md5" in error
    listed = [(row["value"], row["port"], row["file"], row["changed_by"]) for row in said(lake, "list")[0]]
    assert listed == [
        (BAD, None, "bundle.json", "ann"), ("192.0.2.8", None, "event.json", "ann"),
        (OTHER, 22, "event.json", "ann"), (NEXT, None, "event.json", "ann"),
    ]  # fmt: skip


def test_a_port_is_that_of_a_service_that_the_host_uses(lake: Path, file: Callable[[str, Any], Path]) -> None:
    rows, _ = said(lake, "import", file("a.txt", f"{BAD}:443\n{OTHER}:23\n{NEXT}:443\n"))
    assert {host for host, _, _ in hosts(rows)} == {"10.1.1.1", "10.1.1.2"}


def test_a_second_import_changes_nothing(lake: Path, file: Callable[[str, Any], Path]) -> None:
    path = file("a.csv", f"value,confidence\n{BAD},high\n{OTHER},\n")
    said(lake, "import", path)
    version = Lake(str(lake), SPEC).version("indicators")
    rows, error = said(lake, "import", path)
    assert rows == [] and "0 new, 0 changed, 2 known already" in error
    assert Lake(str(lake), SPEC).version("indicators") == version
    path.write_text(f"value,confidence\n{BAD},low\n{OTHER},\n")
    rows, error = said(lake, "import", path)
    assert "0 new, 1 changed, 1 known already" in error and {peer for _, peer, _ in hosts(rows)} == {BAD}
    history = said(lake, "list", "--address", BAD, "--history")[0]
    assert [row["confidence"] for row in history] == [85, 15]


def test_what_is_withdrawn_expired_or_removed_hits_no_more(lake: Path, file: Callable[[str, Any], Path]) -> None:
    path = file("a.csv", f"{BAD}\n{NEXT}\n{OTHER}\n")
    said(lake, "import", path)
    assert {peer for _, peer, _ in hosts(said(lake, "hits")[0])} == {BAD, NEXT, OTHER}
    said(lake, "remove", "--address", NEXT, "--note", "our scanner")
    said(lake, "expire", "--address", BAD, "--at", "2026-03-01T00:00Z", "--note", "taken down")
    assert hosts(said(lake, "hits")[0]) == [("10.1.1.4", OTHER, 1), ("10.1.1.1", BAD, 7)]  # before it ended
    assert "1 known already, 2 left as somebody has changed them" in said(lake, "import", path)[1]
    path.write_text(f"{BAD}\n{NEXT}\n")
    said(lake, "import", "--whole", path)
    assert hosts(said(lake, "hits")[0]) == [("10.1.1.1", BAD, 7)]
    states = {row["value"]: (row["status"], row["note"]) for row in said(lake, "list", "--all")[0]}
    assert states == {
        BAD: ("expired", "taken down"), NEXT: ("removed", "our scanner"), OTHER: ("withdrawn", None),
    }  # fmt: skip
    assert said(lake, "list")[0] == []
    said(lake, "import", "--restore", path)
    assert {peer for _, peer, _ in hosts(said(lake, "hits")[0])} == {BAD, NEXT}


def test_what_stix_revokes_is_withdrawn(lake: Path, file: Callable[[str, Any], Path]) -> None:
    said(lake, "import", file("bundle.json", STIX))
    newer = STIX["objects"][1] | {"revoked": True, "modified": "2026-03-05T00:00:00Z"}  # type: ignore[operator]
    said(lake, "import", file("bundle.json", STIX | {"objects": [*STIX["objects"], newer]}))
    assert said(lake, "hits")[0] == [] and said(lake, "list", "--all")[0][0]["status"] == "withdrawn"


def test_lines_that_are_wrong_are_named_and_the_rest_goes_in(lake: Path, file: Callable[[str, Any], Path]) -> None:
    lines = [
        "# a list", "value;port;confidence;first_seen", f"{BAD};;;", "10.0.0.0/8;;;", "0.0.0.0/0;;;", "bad.example;;;",
        "1.2.3;;;", f"{OTHER};70000;;", f"{OTHER};;200;", f"{OTHER};;;yesterday", 'x"y;;;', "203[.]0[.]113[.]10;;;",
        "2130706433;;;", "0177.0.0.1;;;", "\x00\ufffd;;;", "fe80::1%eth0;;;", "a" * 30_000,
    ]  # fmt: skip
    rows, error = said(lake, "import", file("a.csv", "\n".join(lines)))
    assert {peer for _, peer, _ in hosts(rows)} == {BAD, NEXT}
    for place, words in (
        ("a.csv:4", "10.0.0.0/8 touches 10.0.0.0/8, which is not outside"), ("a.csv:5", "0.0.0.0/0 touches"),
        ("a.csv:7", "'1.2.3' is neither an address"), ("a.csv:8", "'70000' is no port"),
        ("a.csv:9", "'200' is no confidence"), ("a.csv:10", "'yesterday' is no time"), ("a.csv:13", "'2130706433'"),
        ("a.csv:14", "'0177.0.0.1'"), ("a.csv:16", "'fe80::1%eth0' is neither"), ("a.csv:17", repr("a" * 60)),
    ):  # fmt: skip
        assert f"left out: {place}: {words}" in error, place
    assert "a.csv: 2 indicators; no session can meet 1 domain" in error


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.json", "{", "is not valid JSON"),
        ("a.json", "[" * 100_000, "is not valid JSON"),
        ("a.json", '{"a": 1}', "is neither a bundle of STIX nor events of MISP"),
        ("a.json", '{"type": "bundle"}', "has no indicator"),
        ("a.csv", "", "has no indicator"),
        ("a.csv", "name,colour\nx,red\n", "no column of name, colour has addresses"),
        ("a.csv", "10.0.0.1\n192.168.0.0/16\n", "nothing was imported: no line is right"),
        ("a.csv", None, "does not exist"),
    ],
)
def test_a_file_without_indicators_is_an_error(lake: Path, tmp_path: Path, name: str, content: str, words: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    code, _, error = call(main, "import", "--lake", str(lake), str(tmp_path / name))
    assert code == 1 and words in error
    assert not Lake(str(lake), SPEC).exists("indicators")


def test_one_bad_file_keeps_all_out(lake: Path, file: Callable[[str, Any], Path]) -> None:
    code, _, _ = call(main, "import", "--lake", str(lake), str(file("a.csv", BAD)), str(file("b.json", "{")))
    assert code == 1 and not Lake(str(lake), SPEC).exists("indicators")


def test_hostile_values_do_no_harm(lake: Path, file: Callable[[str, Any], Path]) -> None:
    strange = {"type": ["indicator"], "pattern": 7, "id": {}}
    odd = STIX["objects"][1] | {  # type: ignore[operator]
        "id": 9, "name": "\x1b[31m<script>" + "x" * 9000, "indicator_types": [7, None, {"a": 1}], "confidence": None,
        "external_references": ["x", {"url": 5}], "created_by_ref": [],
    }  # fmt: skip
    rows, _ = said(lake, "import", file("b.json", {"type": "bundle", "objects": [strange, odd, 5, None]}))
    assert {peer for _, peer, _ in hosts(rows)} == {BAD}
    (row,) = said(lake, "list")[0]
    assert len(row["labels"]) == 1 and len(row["labels"][0]) <= 300 and row["source"] == "b"
    assert "\x1b" not in call(main, "list", "--lake", str(lake), "--format", "table")[1]


@pytest.mark.parametrize(
    "words",
    [
        ["import"], ["expire", "--note", "x"], ["remove", "--address", BAD], ["list", "--address", "x"],
        ["hits", "--days", "0"],
    ],
)  # fmt: skip
def test_usage_errors_are_code_2(lake: Path, words: list[str]) -> None:
    assert call(main, *words, "--lake", str(lake))[0] == 2


def test_nothing_chosen_and_no_lake_are_errors(lake: Path, tmp_path: Path) -> None:
    code, _, error = call(main, "remove", "--lake", str(lake), "--address", BAD, "--note", "x")
    assert code == 1 and "no indicator in" in error
    code, _, error = call(main, "list", "--lake", str(tmp_path / "lakee"))
    assert code == 1 and "lakee has no tables" in error
