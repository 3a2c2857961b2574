"""The clothes in which ECS, Strata and Zeek records come."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from common.logs import Counts, ReadOptions, mark_duplicates, read_file
from common.logs.epochs import iso
from common.logs.values import FieldError
from tests.common.logs.json_samples import CONNECTION, ECS, STORED, STRATA, ZEEK, together

START = datetime(2026, 3, 3, 8, 9, 31, tzinfo=UTC)


def sessions(log_format: str, *documents: dict[str, Any]) -> list[dict[str, Any]]:
    """The sessions of documents, none of which may be rejected."""
    rows, rejects, _ = together(log_format, [json.dumps(document).encode() for document in documents])
    assert rejects == []
    return rows


def changed(document: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The document with other objects; None leaves one out."""
    return {name: value for name, value in (document | changes).items() if value is not None}


def is_the_session(row: dict[str, Any]) -> bool:
    """Whether it is the session of the samples."""
    flow = (row["src_ip"], row["src_port"], row["dst_ip"], row["dst_port"], row["protocol"])
    volume = (row["bytes_sent"], row["bytes_received"], row["start_ts"], row["duration_s"])
    return flow == ("10.1.4.20", 51514, "198.51.100.7", 443, "tcp") and volume == (1870, 7250, START, 43.0)


EVENT = ECS["event"]


@pytest.mark.parametrize(
    "document",
    [
        ECS,
        {"_index": "a", "_source": ECS},
        changed(ECS, source=ECS["source"] | {"port": 51514.0, "bytes": 1.87e3}),
        changed(ECS, source=ECS["source"] | {"ip": ["10.1.4.20", "fe80::1"]}),
        changed(ECS, event={name: value for name, value in EVENT.items() if name != "start"}),
        changed(ECS, event={name: value for name, value in EVENT.items() if name != "end"}),
        changed(ECS, event={name: value for name, value in EVENT.items() if name != "duration"}),
        changed(ECS, event=EVENT | {"start": 1772525371000}),
    ],
)
def test_ecs(document: dict[str, Any]) -> None:
    rows = sessions("ecs", *[document] * 30, document)
    assert len(rows) == 31 and all(map(is_the_session, rows))
    assert (rows[0]["src_user"], rows[0]["src_country"], rows[0]["nat_src_ip"]) == (
        "corp\\anna", "Germany", "203.0.113.9"
    )  # fmt: skip


def test_ecs_of_a_search_with_fields() -> None:
    fields = {"@timestamp": ["2026-03-03T08:10:31.219Z"], "event.action": ["flow_terminated"],
              "event.start": ["2026-03-03T08:09:31Z"], "event.duration": [43_000_000_000], "source.ip": ["10.1.4.20"],
              "source.port": [51514], "source.bytes": [1870], "destination.ip": ["198.51.100.7"],
              "destination.port": [443], "destination.bytes": [7250], "network.transport": ["tcp"]}  # fmt: skip
    (row,) = sessions("ecs", {"_index": "a", "_id": "x", "fields": fields})
    assert is_the_session(row)


def test_ecs_of_zeek() -> None:
    dns = {"@timestamp": "2026-03-03T08:09:31Z", "event": {"dataset": "zeek.dns"}, "source": {"ip": "10.1.4.20"}}
    unfinished = changed(
        CONNECTION, zeek={"session_id": "C2", "connection": {"state": "S0"}}, network={"transport": "tcp"}
    )
    rows, rejects, counts = together("ecs", [json.dumps(line).encode() for line in (CONNECTION, dns, unfinished)])
    assert (rejects, counts) == ([], {"zeek.dns": 1, "in_record": 2})
    assert (rows[0]["start_ts"], rows[0]["duration_s"]) == (START + timedelta(seconds=0.5), 43.25)
    found = [(row["session_id"], row["app"], row["session_end_reason"], row["action"]) for row in rows]
    assert found == [("CAbc1", "ssl", "tcp-fin", "allow"), ("C2", "incomplete", "aged-out", "allow")]


def test_ecs_that_elastic_did_not_parse_names_the_raw_record() -> None:
    document = {"@timestamp": "2026-03-03T08:10:31Z", "event": {"kind": "pipeline_error"}, "error": {"message": ["x"]}}
    _, (reject), _ = together("ecs", [json.dumps(document).encode()])
    assert "event.original" in reject[0]["reason"]


@pytest.mark.parametrize(
    "document",
    [STRATA, STORED, {name.lower(): value for name, value in STRATA.items()}],
    ids=["sent", "stored", "lower"],
)
def test_strata(document: dict[str, Any]) -> None:
    rows = sessions("sls", *[document] * 31)
    assert len(rows) == 31 and all(map(is_the_session, rows))


def test_zeek_streams(tmp_path: Path) -> None:
    long = ZEEK | {"uid": "CL", "_path": "conn_long", "duration": 3600.0, "orig_ip_bytes": 9}
    documents = [
        ZEEK | {"_path": "conn"},
        {"_path": "dns", "ts": 1772525371.5, "uid": "CAbc1", "proto": "udp"} | {"id.orig_h": "10.1.4.20"},
        long, long | {"_path": "conn", "duration": 7200.0, "orig_ip_bytes": 90},
        {"ts": 1772525371.5, "uid": "CAbc1", "id.orig_h": "10.1.4.20", "version": "TLSv13"},
    ]  # fmt: skip
    path = tmp_path / "log"
    path.write_text("\n".join(map(json.dumps, documents)))
    batches, counts = list(read_file(str(path), ReadOptions())), Counts()
    counts.add(batches[0])
    rows = [row for batch in mark_duplicates(batch.sessions for batch in batches) for row in batch.to_pylist()]
    assert counts.others == {"dns": 1, "other Zeek record": 1}
    assert [(row["session_id"], row["status"], row["bytes_sent"]) for row in rows] == [
        ("CAbc1", "kept", 1870), ("CL", "uncounted", 9), ("CL", "kept", 90)
    ]  # fmt: skip


FIELDS = [name for name in ZEEK if name != "service"]


def zeek_tsv(*rows: dict[str, Any], path: str = "conn", names: list[str] = FIELDS) -> list[bytes]:
    head = [
        "#separator \\x09",
        "#empty_field\t(empty)",
        "#unset_field\t-",
        f"#path\t{path}",
        "#fields\t" + "\t".join(names),
    ]
    return [
        line.encode() for line in (*head, *("\t".join(str(row[name]) for name in FIELDS) for row in rows), "#close\tx")
    ]


def test_zeek_files_one_after_the_other() -> None:
    lines = zeek_tsv(*[ZEEK] * 30) + zeek_tsv(ZEEK, path="dns") + zeek_tsv(ZEEK | {"uid": "C2"}, path="conn_long")
    rows, rejects, counts = together("zeek", lines)
    assert ([row["session_id"] for row in rows], rejects) == (["CAbc1"] * 30 + ["C2"], [])
    assert counts == {"dns": 1, "in_record": 31} and rows[0]["bytes_sent"] == 1870
    assert {row["subtype"] for row in rows[:-1]} == {"end"} and rows[-1]["subtype"] == "update"


def test_zeek_updates_are_uncounted() -> None:
    for count in (1, 30):  # line by line and together
        rows, _, _ = together("zeek", zeek_tsv(*[ZEEK] * count, path="conn_long"))
        assert [(row["subtype"], row["status"]) for row in rows] == [("update", "uncounted")] * count


def test_zeek_with_names_that_have_no_dots() -> None:
    (row,), _, _ = together("zeek", zeek_tsv(ZEEK, names=[name.replace("id.", "id_") for name in FIELDS]))
    assert row["src_ip"] == "10.1.4.20"


VALUES = ("-", "(empty)", "", " ", "x", "-1", "1e3", "1.5", "70000", "tcp", "unknown_transport", "icmp", "S0",
          "é", "\xff", "10.1.1.1   y", '"', "a\tb", "1772525371500", "2026-03-03T08:09:31.5Z", "1772525371.1234567",
          "fe80::1")  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_spoilt_lines_of_tsv_together_and_alone(seed: int) -> None:
    chance = random.Random(seed)
    lines = zeek_tsv(*[ZEEK] * 300)
    for at in range(5, len(lines) - 1):
        if chance.random() < 0.4:
            values = lines[at].split(b"\t")
            values[chance.randrange(len(values))] = chance.choice(VALUES).encode(
                chance.choice(("utf-8", "latin-1")), "replace"
            )
            lines[at] = b"\t".join(values[: chance.choice((99, 99, 99, 5))])
    if seed:
        lines = [line for line in lines if line.isascii()]
    rows, rejects, _ = together("zeek", lines)
    alone: tuple[list[dict[str, Any]], ...] = [], []
    for at in range(5, len(lines)):
        for into, some in zip(alone, together("zeek", [*lines[:5], lines[at]])[:2], strict=True):
            into.extend(row | {"source_line": at + 1} for row in some)
    assert (rows, rejects) == alone


@pytest.mark.parametrize(
    ("text", "found"),
    [("1772525371", START), ("1772525371.5", START + timedelta(seconds=0.5)), ("1772525371000", START),
     ("1772525371000000", START), ("1772525371000000000", START)],
)  # fmt: skip
def test_epochs_of_any_unit(text: str, found: datetime) -> None:
    assert iso("ts", text) == found.replace(tzinfo=None).isoformat() + "Z"


def test_epochs_of_no_unit_are_refused() -> None:
    with pytest.raises(FieldError, match="ts '99999999999' is not a time between 1970 and 2199"):
        iso("ts", "99999999999")
    assert iso("ts", "2026-03-03T08:09:31Z") == "2026-03-03T08:09:31Z"
