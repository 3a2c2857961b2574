import csv
import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

import pytest
import stix2
from py_ocsf_models.events.findings.detection_finding import DetectionFinding

from common.retries import Retries
from tests.commands import call
from tests.common.detection.alerts.alerting_lake import PAIR, within, write_alerts
from tests.common.detection.model_lake import host
from tests.tools.alerts.receiving import SLOW, Receiver, receiving
from tests.tools.page.hostile import hostile_lake
from tools.alerts import webhooks
from tools.alerts.cli import main
from tools.feedback.cli import main as feedback

SYSLOG = re.compile(
    r"<(\d+)>1 (\S+) - (\S+) - case \[ndr@32473((?: \w+=\"(?:[^\"\\\]]|\\[\"\\\]])*\")+)\] \ufeff([^\n]*)"
)
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def lake(tmp_path: Path) -> str:
    """A case with a target, and a beacon."""
    write_alerts(tmp_path, [(0, 3, within(5, 445)), (1, 5, within(3, 445, inbound=True)), (2, 6, PAIR)])
    return str(tmp_path)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "RETRIES", Retries(tries=3, first_pause_seconds=0.01, longest_pause_seconds=0.02))
    monkeypatch.setattr(webhooks, "TIMEOUT_SECONDS", 0.2)


def printed(lake: str, *options: str) -> list[str]:
    code, text, error = call(main, "--lake", lake, *options)
    assert code == 0, error
    return text.splitlines()


def found(lake: str, *options: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed(lake, *options)]


def mark(lake: str, case: str, status: str) -> None:
    code, _, error = call(feedback, "--lake", lake, "--case", case, "--status", status, "--note", "x", "--by", "ann")
    assert code == 0, error


def test_cases_are_findings_of_ocsf(lake: str) -> None:
    first, second = found(lake)
    for finding in (first, second):
        DetectionFinding(**finding)
        assert (finding["class_uid"], finding["type_uid"]) == (2004, 200401)
    assert first["finding_info"]["attacks"][0]["technique"] == {"uid": "T1021", "name": "Remote Services"}
    assert [resource["uid"] for resource in first["resources"]] == [host(5)]
    assert first["evidences"][0]["dst_endpoint"] == {"ip": host(5), "port": 445}
    mark(lake, first["finding_info"]["uid"], "false")
    closed = next(entry for entry in found(lake) if entry["finding_info"]["uid"] == first["finding_info"]["uid"])
    assert (closed["activity_id"], closed["type_uid"], closed["status_id"]) == (3, 200403, 4)


def test_cases_are_bundles_of_stix(lake: str) -> None:
    again = found(lake, "--format", "stix")
    for line, same in zip(printed(lake, "--format", "stix"), again, strict=True):
        bundle = stix2.parse(line, allow_custom=False)
        assert {entry["type"] for entry in bundle.objects} >= {"incident", "ipv4-addr", "observed-data", "identity"}
        assert [entry["id"] for entry in bundle.objects] == [entry["id"] for entry in same["objects"]]
    shared = [{entry["id"]: entry for entry in bundle["objects"]} for bundle in again]
    for name in shared[0].keys() & shared[1].keys():
        assert shared[0][name] == shared[1][name]  # one object is the same in all bundles


def test_cases_are_documents_of_ecs(lake: str) -> None:
    first = found(lake, "--format", "ecs")[0]
    assert first["event"]["kind"] == "alert" and first["event"]["category"] == ["network", "intrusion_detection"]
    assert RFC_3339.fullmatch(first["@timestamp"]) and RFC_3339.fullmatch(first["event"]["start"])
    assert (first["source"]["ip"], first["destination"]) == (host(3), {"ip": host(5), "port": 445})
    assert first["threat"]["technique"] == {"id": ["T1021"], "name": ["Remote Services"]}


@pytest.mark.parametrize("hostile", [False, True])
def test_lines_are_whole_whatever_names_are(lake: str, tmp_path: Path, hostile: bool) -> None:
    source = str(hostile_lake(tmp_path / "hostile")) if hostile else lake
    for line in printed(source, "--format", "syslog"):
        matched = SYSLOG.fullmatch(line)
        assert matched, line
        assert int(matched[1]) // 8 == 13 and RFC_3339.fullmatch(matched[2])
    for line in printed(source, "--format", "cef"):
        assert len(re.split(r"(?<!\\)\|", line)) == 8 and line.startswith("CEF:0|")
        assert not re.search(r"(?<!\\)=[^ ]*(?<!\\)=", re.split(r"(?<!\\)\|", line)[7].replace(" ", "  "))
    rows = list(csv.DictReader(printed(source, "--format", "csv")))
    assert len(rows) == (4 if hostile else 2) and {row["action"] for row in rows} == {"create"}


def test_a_channel_hears_of_each_case_and_state_once(lake: str) -> None:
    def told() -> list[tuple[str, str]]:
        entries = found(lake, "--channel", "soc")
        return [(entry["finding_info"]["uid"], entry["activity_name"]) for entry in entries]

    (first, create), (second, _) = told()
    assert create == "Create" and told() == []
    mark(lake, first, "in-progress")
    assert told() == [(first, "Update")]
    mark(lake, first, "closed")
    assert told() == [(first, "Close")] and told() == []
    mark(lake, first, "new")
    assert told() == [(first, "Update")]
    assert len(found(lake, "--channel", "another")) == 2
    mark(lake, second, "expected")
    assert [entry["activity_name"] for entry in found(lake, "--channel", "third")] == ["Create"]  # of the other one


def send(lake: str, receiver: Receiver, *options: str) -> tuple[int, str]:
    code, _, error = call(main, "--lake", lake, "--webhook", receiver.url, "--channel", "hook", *options)
    return code, error


def test_messages_are_signed_and_have_a_key(lake: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush\n")
    with receiving() as receiver:
        assert send(lake, receiver, "--secret-file", str(tmp_path / "secret"))[0] == 0
        assert send(lake, receiver)[0] == 0
    assert len(receiver.bodies) == 2
    for body, headers in zip(receiver.bodies, receiver.headers, strict=True):
        signed = f"{headers['x-ndr-timestamp']}.".encode() + body
        assert headers["x-ndr-signature"] == f"sha256={hmac.new(b'hush', signed, hashlib.sha256).hexdigest()}"
        assert json.loads(body)["key"] == headers["idempotency-key"]
        assert b"hush" not in body
    assert len({headers["idempotency-key"] for headers in receiver.headers}) == 2


@pytest.mark.parametrize("answer", [500, 503, 429, SLOW])
def test_a_receiver_that_fails_or_is_slow_is_asked_again_with_the_same_key(lake: str, answer: int) -> None:
    with receiving(answer, answer) as receiver:
        assert send(lake, receiver)[0] == 0
    keys = [headers["idempotency-key"] for headers in receiver.headers]
    assert len(keys) == 4 and keys[0] == keys[1] == keys[2] != keys[3]


def test_what_was_taken_is_not_sent_again_after_a_failure(lake: str) -> None:
    with receiving(202, *[500] * 3) as receiver:
        code, error = send(lake, receiver)
        assert code == 1 and "127.0.0.1 has not taken case" in error
        assert send(lake, receiver)[0] == 0
    keys = [headers["idempotency-key"] for headers in receiver.headers]
    assert keys.count(keys[0]) == 1 and keys.count(keys[1]) == 4


@pytest.mark.parametrize("answer", [400, 401, 404, 302])
def test_a_refusal_is_an_error_at_once(lake: str, answer: int) -> None:
    with receiving(answer) as receiver:
        code, error = send(lake, receiver)
    assert code == 1 and f"answers {answer}" in error and len(receiver.bodies) == 1


@pytest.mark.parametrize("template", ["slack", "teams", "pagerduty"])
def test_templates(lake: str, tmp_path: Path, template: str) -> None:
    (tmp_path / "key").write_text("R0UT1NG")
    with receiving() as receiver:
        assert send(lake, receiver, "--template", template, "--secret-file", str(tmp_path / "key"))[0] == 0
        bodies = [json.loads(body) for body in receiver.bodies]
        case = found(lake)[0]["finding_info"]["uid"]
        mark(lake, case, "closed")
        assert send(lake, receiver, "--template", template, "--secret-file", str(tmp_path / "key"))[0] == 0
    closed = json.loads(receiver.bodies[-1])
    if template == "pagerduty":
        assert bodies[0]["event_action"] == "trigger" and bodies[0]["routing_key"] == "R0UT1NG"
        assert (closed["event_action"], closed["dedup_key"]) == ("resolve", case)
    else:
        assert host(3) in json.dumps(bodies[0]) and "Closed: " in json.dumps(closed)


@pytest.mark.parametrize("url", ["http://example.com/x", "ftp://example.com", "https://", "file:///etc/passwd", "x"])
def test_only_encrypted_addresses_are_sent_to(lake: str, url: str) -> None:
    code, _, error = call(main, "--lake", lake, "--webhook", url, "--channel", "c")
    assert code == 1 and "is no https:// address" in error


def test_errors(lake: str, tmp_path: Path) -> None:
    assert call(main, "--lake", lake, "--webhook", "https://example.com")[0] == 2
    assert call(main, "--lake", lake, "--format", "xml")[0] == 2
    options = ("--webhook", "https://example.com", "--channel", "c")
    code, _, error = call(main, "--lake", lake, *options, "--template", "pagerduty")
    assert code == 1 and "needs its routing key" in error
    code, _, error = call(main, "--lake", lake, *options, "--secret-file", str(tmp_path / "none"))
    assert code == 1 and "cannot be read" in error
    assert printed(str(tmp_path / "empty")) == []
