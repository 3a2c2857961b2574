"""The builder as users start it, and as Lambda does."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jobs.manifest_builder import handler
from jobs.manifest_builder.cli import configuration, main
from jobs.manifest_builder.config import BuilderConfig, Route
from tests.commands import call, command_line
from tests.jobs.manifest_builder.conftest import TABLE, Aws
from tests.jobs.manifest_builder.memory import queue_event
from tests.runtime_api import PATH, RuntimeApi, serving

pytestmark = pytest.mark.slow

ROUTES = '{"fw/": {"route": "ndr", "organisation": "acme/hq"}}'


@pytest.fixture
def variables(aws: Aws, environment: pytest.MonkeyPatch) -> Aws:
    """The services, and the environment that the stack gives a builder."""
    environment.setenv("FILE_TRACKING_TABLE", TABLE)
    environment.setenv("MANIFEST_BUCKET", "manifests")
    environment.setenv("STEP_FUNCTION_ARN", aws.machine)
    environment.setenv("EXPECTED_FILE_SIZE_MB", "")
    return aws


def event(aws: Aws, *keys: str) -> dict[str, Any]:
    return queue_event(*(json.dumps({"Records": [aws.put(key, b"{}")]}) for key in keys))


def test_an_event_from_a_file(variables: Aws, tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event(variables, "a-2026-03-09.ndjson", "b.csv")))
    code, output, _ = call(main, "--event", path)
    response = json.loads(output)
    assert code == 0 and response["statusCode"] == 200 and response["batchItemFailures"] == []
    assert json.loads(response["body"]) == {
        "processed": 1,
        "duplicates": 0,
        "quarantined": 1,
        "ignored": 0,
        "failed": 0,
        "manifests_created": 1,
    }


def test_messages_that_fail_are_a_failure(variables: Aws, tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(queue_event("no JSON")))
    code, output, error = call(main, "--event", path)
    assert code == 1 and json.loads(output)["batchItemFailures"] == [{"itemIdentifier": "m0"}]
    assert "error: 1 of the messages failed" in error


@pytest.mark.parametrize(
    ("content", "problem"), [("", "is not JSON"), ("[]", "is no JSON object"), ('{"Records": 5}', "no list of objects")]
)
def test_what_is_no_event_is_named(variables: Aws, tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "event.json"
    path.write_text(content)
    code, _, error = call(main, "--event", path)
    assert code == 1 and problem in error


def test_a_table_that_is_missing_is_a_failure(variables: Aws, tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    path.write_text("{}")
    code, _, error = call(main, "--event", path, "--table", "nowhere")
    assert code == 1 and "table nowhere cannot be queried: ResourceNotFoundException" in error


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "Missing option '--event'"),
        (["--event", "-", "--max-files-per-manifest", "0"], "0 is not in the range 1<=x<=1000"),
        (["--event", "-", "--expected-file-size-mb", "0"], "0.0 is not in the range x>0"),
        (["--event", "-", "--routes", "[]"], "routes '[]' are invalid"),
        (["--event", "-", "--routes", '{"a": {"route": "ndr"}}'], "has not the texts route and organisation alone"),
    ],
)
def test_wrong_usage_is_named(variables: Aws, arguments: list[str], problem: str) -> None:
    code, _, error = call(main, *arguments)
    assert code == 2 and problem in error


def test_the_environment_is_the_configuration(environment: pytest.MonkeyPatch) -> None:
    for name, value in {
        "FILE_TRACKING_TABLE": "t", "MANIFEST_BUCKET": "m", "LANDING_BUCKET": "l", "QUARANTINE_BUCKET": "q",
        "STEP_FUNCTION_ARN": "arn", "MAX_FILES_PER_MANIFEST": "20", "MIN_FILES_FOR_PARTIAL_BATCH": "3",
        "MAX_WAIT_MINUTES": "5", "EXPECTED_FILE_SIZE_MB": "3.5", "SIZE_TOLERANCE_PERCENT": "20", "LOCK_SECONDS": "30",
        "TRACKING_DAYS": "400", "ROUTES": ROUTES, "ALERTS_TOPIC_ARN": "topic",
    }.items():  # fmt: skip
        environment.setenv(name, value)
    with main.make_context("x", []) as context:
        found = configuration(context.params)
    routes = (Route("fw/", "ndr", "acme/hq"),)
    assert found == BuilderConfig("t", "m", "l", "q", "arn", "topic", 20, 3, 5, 3.5, 20, 30, 400, routes)


@dataclass
class Invocation:
    """The context of an invocation that has had this part of its ten seconds left, one after the other."""

    left: list[float]
    aws_request_id: str = "request-1"

    def get_remaining_time_in_millis(self) -> float:
        return 10_000 * (self.left.pop(0) if len(self.left) > 1 else self.left[0])


@pytest.mark.parametrize(("left", "made"), [([1.0, 0.6], 1), ([1.0, 0.4], 0)])
def test_what_would_begin_in_the_second_half_of_an_invocation_is_left(
    variables: Aws, left: list[float], made: int
) -> None:
    handler._environment.cache_clear()
    given = event(variables, "a-2026-03-09.ndjson")
    response = handler.handle(given, Invocation(left))
    counts = json.loads(response["body"])
    assert (counts["processed"], counts["manifests_created"]) == (1, made)


@pytest.fixture
def runtime_api() -> Iterator[RuntimeApi]:
    with serving() as api:
        yield api


def test_lambda_gives_one_event_after_the_other(
    variables: Aws, runtime_api: RuntimeApi, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("AWS_LAMBDA_RUNTIME_API", runtime_api.url)
    with subprocess.Popen(command_line("ndr-manifest-builder"), stderr=subprocess.PIPE, text=True) as process:
        try:
            runtime_api.events.put(event(variables, "a-2026-03-09.ndjson"))
            path, response = runtime_api.answers.get(timeout=60)
            assert path == f"{PATH}/request-1/response"
            assert json.loads(response["body"])["manifests_created"] == 1 and response["batchItemFailures"] == []
            runtime_api.events.put({})
            assert json.loads(runtime_api.answers.get(timeout=60)[1]["body"])["manifests_created"] == 0
            runtime_api.events.put({"Records": "wrong"})
            path, response = runtime_api.answers.get(timeout=60)
            assert path == f"{PATH}/request-1/error" and response["errorType"] == "InputError"
        finally:
            process.kill()
        assert process.stderr
        said = [json.loads(line) for line in process.stderr if line.startswith('{"time"')]
    start = said.pop(0)  # of the process, before it serves
    assert (start["event"], start["run_id"].startswith("run-")) == ("started", True)
    steps = [(one["step"], one["event"]) for one in said]
    assert {(one["stage"], one["run_id"]) for one in said} == {("ndr-manifest-builder", "request-1")}
    for step in [("file", "tracked"), ("manifest", "written"), ("execution", "started"), ("summary", "finished")]:
        assert step in steps
