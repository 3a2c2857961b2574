"""The way back from a promoted model, and the record of each decision."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from common.aws.caller import caller
from common.detection.registry.decisions import decisions
from common.lake.lake import Lake
from jobs.if_training.cli import main
from tests.factories import SPEC
from tests.jobs.if_training.conftest import FAST, Lifecycle, second

pytestmark = pytest.mark.slow

PROVISIONAL = "provisional model of day 1 of 9; "
NO_CURRENT = "there is no current model to compare with"


def rollback(lake: Path, *more: str) -> tuple[int, dict[str, Any], str]:
    result = CliRunner().invoke(main, ["--stage", "rollback", "--lake", str(lake), *more])
    details = json.loads(result.stdout)["details"] if result.exit_code == 0 else {}
    return result.exit_code, details, result.stderr


def test_rollback_makes_the_model_before_current_again(first: Lifecycle) -> None:
    first.run("deploy")
    other = second(first)
    other.parameters(training=FAST | {"promotion": "always"})
    other.run("deploy")
    code, details, _ = rollback(first.lake)
    assert (code, details) == (0, {"rolled_back": "run-2", "run_id": "run-1"})
    assert first.current() == "run-1"


def test_a_model_that_was_rolled_back_is_not_deployed_again(first: Lifecycle) -> None:
    first.run("deploy")
    other = second(first)
    other.parameters(training=FAST | {"promotion": "always"})
    other.run("deploy")
    rollback(first.lake, "--run-id", "run-2")
    assert rollback(first.lake, "--run-id", "run-2")[1] == {"rolled_back": None, "run_id": "run-1"}
    assert "not deployed because model run-2 was rolled back" in other.fail("deploy")
    assert first.current() == "run-1"


def test_there_is_nothing_to_roll_back_to_before_the_first_model(first: Lifecycle) -> None:
    assert "there is no current model" in rollback(first.lake)[2]
    first.run("deploy")
    code, _, error = rollback(first.lake)
    assert code == 1 and "model run-1" in error and "is the first one" in error


def recorded(lifecycle: Lifecycle) -> list[tuple[str, str, str | None, str]]:
    found = decisions(Lake(str(lifecycle.lake), SPEC), "local")
    return [(entry.action, entry.run_id, entry.from_run, entry.reason) for entry in found]


def test_every_decision_is_recorded_once_with_the_gates_and_the_execution(first: Lifecycle) -> None:
    for _ in range(2):
        first.run("deploy", "--execution", "arn:aws:sagemaker:::pipeline/ndr-if-training/execution/1")
    other = second(first)
    other.parameters(training=FAST | {"min_relative_improvement": 5.0})
    for _ in range(2):
        other.fail("deploy")
    own, of_other = (entry.artifact("train")["validation"]["average_precision"] for entry in (first, other))
    assert recorded(first) == [
        ("promote", "run-1", None, f"{PROVISIONAL}gates passed: average precision {own:.3f}; {NO_CURRENT}"),
        ("refuse", "run-2", "run-1", f"gates refused: {other.artifact('deploy')['reason']}"),
    ]  # fmt: skip
    made, refused = decisions(Lake(str(first.lake), SPEC), "local")
    assert made.decided_by == made.execution == "arn:aws:sagemaker:::pipeline/ndr-if-training/execution/1"
    assert (refused.decided_by, refused.execution) == (caller(on_aws=False), None)
    assert json.loads(refused.gates)["improvement"]["verdict"] == "refused"
    other.parameters(training=FAST | {"min_relative_improvement": -0.9})
    other.run("deploy")
    rollback(first.lake)
    promoted, back = recorded(first)[2:]
    assert promoted[:3] == ("promote", "run-2", "run-1")
    assert re.fullmatch(rf"gates passed: average precision {of_other:.3f} against 0\.\d+ of run-1", promoted[3])
    assert back == ("rollback", "run-2", "run-2", "ndr-if-training --stage rollback")


def test_a_decision_that_a_killed_stage_did_not_record_is_recorded_by_the_next(first: Lifecycle) -> None:
    first.run("deploy")
    made = recorded(first)
    shutil.rmtree(first.lake / "model_decisions")  # as if killed after the pointer moved
    first.run("deploy")
    assert recorded(first) == made
