"""The remediation against Step Functions: a state machine that waits until the test lets it end."""

from __future__ import annotations

import json
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.if_training.backfill import execution_name
from localaws.cli.process import LocalAws
from tests.jobs.if_training.conftest import RUN, Lifecycle, MakeLifecycle
from tests.jobs.if_training.lakes import add_slices, add_windows, span
from tests.jobs.if_training.machine import Machine, Stage, make_machine
from tests.localaws.running import running_local_aws

WINDOWS = list(span(8))
KEYS = [window.key for window in WINDOWS]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with running_local_aws(tmp_path_factory.mktemp("training-aws")) as running:
        yield running


@pytest.fixture
def machine(local: LocalAws) -> Machine:
    return make_machine(local)


@pytest.fixture
def lacking(lifecycle: MakeLifecycle) -> Lifecycle:
    """A verified range of eight windows, of which the third, fourth and seventh are missing."""
    made: Lifecycle = lifecycle(span(8))
    made.parameters(training={"min_rows": 20, "min_coverage": 0.7, "backfill_poll_seconds": 0.1})
    add_windows(made.lake, [WINDOWS[number] for number in (0, 1, 4, 5, 7)])
    made.run("verify")
    return made


def test_missing_windows_are_built_by_one_execution(lacking: Lifecycle, machine: Machine) -> None:
    stage = Stage(lacking, machine)
    name = machine.started(1)
    missing = [KEYS[2], KEYS[3], KEYS[6]]
    assert name == execution_name(RUN, 1, missing)
    assert machine.input(name) == {
        "project_name": "local",
        "feature_spec_version": "v1",
        "start_ts_iso": "2026-03-10T00:38:00Z",
        "end_ts_iso": "2026-03-10T01:53:00Z",
        "windows": [f"{KEYS[2]}/{KEYS[4]}", KEYS[6]],
        "request_id": name,
    }
    assert lacking.artifact("remediate")["go"] is False  # not before it has ended
    add_windows(lacking.lake, [WINDOWS[number] for number in (2, 3, 6)])
    machine.answer(name, done=[f"{KEYS[2]}/{KEYS[4]}", f"{KEYS[6]}/{KEYS[7]}"])
    report = json.loads(stage.ended())
    assert report["details"]["remediate"] == {"rounds": 1, "executions": 1, "gaps": 0, "still_missing": 0}
    artifact = lacking.artifact("remediate")
    assert (artifact["go"], artifact["status"], artifact["still_missing"]) == (True, "complete", [])
    lacking.run("reverify")
    assert len(machine.names()) == 1


def test_windows_without_batches_are_gaps(lacking: Lifecycle, machine: Machine) -> None:
    stage = Stage(lacking, machine)
    name = machine.started(1)
    add_windows(lacking.lake, [WINDOWS[6]])
    skipped = [{"range": f"{KEYS[2]}/{KEYS[4]}", "reason": "no batch"}]
    machine.answer(name, "PARTIAL", done=[KEYS[6]], skipped=skipped)
    stage.ended()
    artifact = lacking.artifact("remediate")
    assert (artifact["status"], artifact["gaps"]) == ("complete with gaps", [KEYS[2], KEYS[3]])
    lacking.run("reverify")  # 6 of 8 windows: 75 %
    assert lacking.artifact("reverify")["gaps"] == [KEYS[2], KEYS[3]]
    assert len(machine.names()) == 1  # gaps are not asked for again
    lacking.parameters(training={"min_rows": 20, "min_coverage": 0.76})
    line = lacking.fail("reverify")
    assert "only 75.0% of the windows" in line and "fewer than 76.0%" in line and KEYS[2] in line


def test_a_report_of_an_older_machine_names_windows(lacking: Lifecycle, machine: Machine) -> None:
    stage = Stage(lacking, machine)
    name = machine.started(1)
    add_windows(lacking.lake, [WINDOWS[6]])
    skipped = [[KEYS[2], "no batch"], {"window": KEYS[3], "reason": "no batch"}]  # pairs or objects
    machine.answer(name, "PARTIAL", done=[KEYS[6]], skipped=skipped)
    stage.ended()
    assert lacking.artifact("remediate")["gaps"] == [KEYS[2], KEYS[3]]


def test_a_window_that_another_execution_held_is_no_gap(lacking: Lifecycle, machine: Machine) -> None:
    stage = Stage(lacking, machine)
    first = machine.started(1)
    add_windows(lacking.lake, [WINDOWS[2], WINDOWS[3]])
    machine.answer(first, "PARTIAL", skipped=[[KEYS[6], "another execution works on this window"]])
    second = machine.started(2)
    assert machine.input(second)["windows"] == [KEYS[6]]
    add_windows(lacking.lake, [WINDOWS[6]])
    machine.answer(second)
    stage.ended()
    assert lacking.artifact("remediate")["status"] == "complete"


def test_after_two_rounds_it_stops_and_verification_fails_closed(lacking: Lifecycle, machine: Machine) -> None:
    stage = Stage(lacking, machine)
    machine.fail(machine.started(1))
    second = machine.started(2)
    add_windows(lacking.lake, [WINDOWS[2]])
    machine.answer(second, "PARTIAL", done=[KEYS[2]], failed=[[KEYS[3], "no such column"], [KEYS[6], "no such column"]])
    stage.ended()
    artifact = lacking.artifact("remediate")
    assert (artifact["go"], artifact["status"]) == (True, "incomplete")
    assert [entry["executions"][0]["status"] for entry in artifact["rounds"]] == ["FAILED", "PARTIAL"]
    assert "the bucket is on fire" in artifact["rounds"][0]["executions"][0]["failures"][0]
    line = lacking.fail("reverify")
    assert f"2 of 8 windows of {span(8)} are still missing (no rows in fg_a): {KEYS[3]}, {KEYS[6]}" in line
    assert "no such column" in line
    Stage(lacking, machine).ended()  # a retry has no third round
    assert len(machine.names()) == 2


def test_a_killed_stage_goes_on_with_the_execution_that_it_started(lacking: Lifecycle, machine: Machine) -> None:
    stage = Stage(lacking, machine)
    name = machine.started(1)
    stage.kill()
    add_windows(lacking.lake, [WINDOWS[2]])  # the execution is half done: the windows that are missing are others now
    again = Stage(lacking, machine)
    time.sleep(4)
    again.kill()
    last = Stage(lacking, machine)
    add_windows(lacking.lake, [WINDOWS[3], WINDOWS[6]])
    machine.answer(name)
    last.ended()
    assert machine.names() == [name]
    assert lacking.artifact("remediate")["status"] == "complete"


def test_a_stage_that_is_repeated_starts_nothing(lacking: Lifecycle, machine: Machine) -> None:
    stage = Stage(lacking, machine)
    name = machine.started(1)
    add_windows(lacking.lake, [WINDOWS[number] for number in (2, 3, 6)])
    machine.answer(name)
    stage.ended()
    before = lacking.path("remediation.json").read_bytes()
    Stage(lacking, machine).ended()
    assert lacking.path("remediation.json").read_bytes() == before
    assert len(machine.names()) == 1


def test_nothing_missing_starts_nothing(lifecycle: MakeLifecycle, machine: Machine) -> None:
    made: Lifecycle = lifecycle(span(3))
    add_windows(made.lake, span(3))
    made.run("verify")
    Stage(made, machine).ended()
    assert machine.names() == []
    assert made.artifact("remediate")["rounds"] == []


def test_named_windows_replace_those_of_the_verifier(lacking: Lifecycle, machine: Machine) -> None:
    stage = Stage(lacking, machine, "--missing-windows", "2026-03-10T00:38Z,20260310T0153Z")
    name = machine.started(1)
    assert machine.input(name)["windows"] == [KEYS[2], KEYS[7]]  # the second one is not missing
    add_windows(lacking.lake, [WINDOWS[2]])
    machine.answer(name)
    stage.ended()
    assert lacking.artifact("remediate")["still_missing"] == [KEYS[3], KEYS[6]]
    assert len(machine.names()) == 1


def test_an_execution_that_takes_too_long_is_a_failure_and_can_be_waited_for_again(
    lacking: Lifecycle, machine: Machine
) -> None:
    limits = {"min_rows": 20, "backfill_poll_seconds": 0.1, "backfill_poll_attempts": 3}
    lacking.parameters(training=limits)
    line = Stage(lacking, machine).ended(code=1)
    assert "still running after 3 polls" in line and "Run --stage remediate again" in line
    assert lacking.artifact("remediate")["go"] is False
    add_windows(lacking.lake, [WINDOWS[number] for number in (2, 3, 6)])
    machine.answer(machine.started(1))
    lacking.parameters(training={"min_rows": 20, "backfill_poll_seconds": 0.1})
    Stage(lacking, machine).ended()
    assert len(machine.names()) == 1


def test_a_state_machine_that_does_not_exist_is_a_failure(lacking: Lifecycle, machine: Machine) -> None:
    unknown = Machine(machine.local, machine.table, f"{machine.arn}-other")
    line = Stage(lacking, unknown).ended(code=1)
    assert f"state machine {unknown.arn} could not be started" in line
    assert "for windows of 2026-03-10T00:38:00Z/2026-03-10T01:53:00Z" in line
    assert "StateMachineDoesNotExist" in line


def test_without_a_state_machine_missing_windows_are_a_failure(lacking: Lifecycle) -> None:
    line = lacking.fail("remediate")
    assert f"3 of 8 windows of {span(8)} are missing (no rows in fg_a): {KEYS[2]}, {KEYS[3]}, {KEYS[6]}" in line
    assert "give --backfill-state-machine" in line


def test_without_a_state_machine_nothing_missing_is_fine(lifecycle: MakeLifecycle) -> None:
    made: Lifecycle = lifecycle(span(3))
    add_windows(made.lake, span(3))
    made.run("verify")
    made.run("remediate")
    assert made.artifact("remediate")["status"] == "complete"


def test_alone_windows_without_slices_are_gaps(lifecycle: MakeLifecycle) -> None:
    """A laptop that runs all stages: no logs came in for the window, and nobody else has them."""
    made: Lifecycle = lifecycle(span(8))
    add_windows(made.lake, WINDOWS[:7])
    add_slices(made.lake, WINDOWS[:7])
    made.run("all")
    assert made.artifact("remediate")["gaps"] == [KEYS[7]]
    assert made.artifact("reverify")["status"] == "complete with gaps"
    assert made.current() == RUN


def test_alone_windows_with_slices_but_no_features_are_a_failure(lifecycle: MakeLifecycle) -> None:
    made: Lifecycle = lifecycle(span(8))
    add_windows(made.lake, WINDOWS[:7])
    add_slices(made.lake, WINDOWS)
    assert f"1 of 8 windows of {span(8)} are missing (no rows in fg_a): {KEYS[7]}" in made.fail("all")


@pytest.mark.parametrize("value", ["2026-03-10T02:08Z", "2026-03-09T00:08Z"])
def test_named_windows_outside_of_the_range_are_a_usage_error(lacking: Lifecycle, value: str) -> None:
    command = Path(sysconfig.get_path("scripts")) / "ndr-if-training"
    done = subprocess.run(
        [str(command), *lacking.options("remediate"), "--missing-windows", value], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert f"--missing-windows {value} is not in the training range {span(8)}" in done.stderr
