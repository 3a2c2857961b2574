import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from common.retries import Retries
from tests.commands import call
from tests.common.detection.model_lake import host
from tests.tools.alerts.handing import found, mark, printed
from tests.tools.alerts.receiving import SLOW, Receiver, receiving
from tests.tools.alerts.templates import defects
from tools.alerts import webhooks
from tools.alerts.cli import main
from tools.alerts.handover import CREATE, Handover
from tools.alerts.webhooks import TEMPLATES


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "RETRIES", Retries(tries=3, first_pause_seconds=0.01, longest_pause_seconds=0.02))
    monkeypatch.setattr(webhooks, "TIMEOUT_SECONDS", 0.2)


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


@pytest.mark.slow
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


@pytest.mark.slow
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
    assert [defects(template, one) for one in (*bodies, closed)] == [[]] * 3
    if template == "pagerduty":
        assert bodies[0]["event_action"] == "trigger" and bodies[0]["routing_key"] == "R0UT1NG"
        assert (closed["event_action"], closed["dedup_key"]) == ("resolve", case)
    else:
        assert host(3) in json.dumps(bodies[0]) and "Closed: " in json.dumps(closed)


def section(text: str, **more: str) -> dict[str, Any]:
    return {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text} | more}]}


def card(**block: Any) -> dict[str, Any]:
    content = {"type": "AdaptiveCard", "version": "1.4", "body": [{"type": "FactSet"} | block]}
    return {"attachments": [{"content": content}]}


def event(severity: str, **more: str) -> dict[str, Any]:
    payload = {"summary": "a", "source": "b", "severity": severity}
    return {"routing_key": "R", "event_action": "trigger", "payload": payload} | more


@pytest.mark.parametrize(
    ("template", "message", "words"),
    [
        ("slack", section("x"), ""),
        ("slack", section("x" * 3001), "text attribute cannot exceed 3000 characters"),
        ("slack", section("x", weight="bold"), "unexpected keyword argument"),
        (
            "slack",
            {"blocks": [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}]},
            "exceed 10 items",
        ),
        ("slack", {"blocks": [{"type": "paragraph"}]}, "is read as None"),
        ("teams", card(facts=[{"title": "a", "value": "b"}]), ""),
        ("teams", card(facts=[{"title": "a", "value": 3}]), "$"),
        ("teams", card(facts=[], texts="x"), "$"),
        ("teams", card(facts=[{"title": "a", "value": "x" * 28_000}]), "more than 28,000 bytes"),
        ("pagerduty", event("info"), ""),
        ("pagerduty", event("low"), "no event"),
        ("pagerduty", event("info", event_action="close"), "no event"),
    ],
)
def test_the_checks_of_templates_find_what_is_wrong(template: str, message: dict[str, Any], words: str) -> None:
    assert [words in found for found in defects(template, message)] == [True] * bool(words)


HOSTILE = "<!channel> [here](https://bad.example) & " + "&" * 6000


@pytest.mark.parametrize("sentence", [HOSTILE, "\N{FACE WITH TEARS OF JOY}" * 6000])
def test_texts_of_logs_are_no_markup_and_no_longer_than_receivers_take(sentence: str) -> None:
    case = {
        "case_id": "0123456789ab", "severity": "critical", "decades": 4.0, "technique": {"name": "beacon"},
        "sentence": sentence,
        "source": "10.0.0.1", "status": "new", "segment_id": "lan", "targets": [], "start": "", "end": "",
    }  # fmt: skip
    handover = Handover(case, CREATE, "state")
    made = {
        name: make(handover, "acme", datetime(2026, 3, 10, tzinfo=UTC), "R0UT1NG")
        for name, make in TEMPLATES.items()
        if name != "ocsf"
    }
    assert {name: defects(name, message) for name, message in made.items()} == {name: [] for name in made}
    section, _ = made["slack"]["blocks"]
    assert "<" not in json.dumps(made["slack"])
    assert re.findall("&(?!amp;|lt;|gt;)", section["text"]["text"]) == []
    (attachment,) = made["teams"]["attachments"]
    (run,) = attachment["content"]["body"][0]["inlines"]
    assert run["type"] == "TextRun" and sentence[:80] in run["text"]  # Markdown is not supported there
    assert len(made["pagerduty"]["payload"]["summary"]) == 1024


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
