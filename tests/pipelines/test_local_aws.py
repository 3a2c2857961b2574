"""The pipelines deployed to the local AWS and run there, small programs in the place of the stages' commands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws.cli.process import LocalAws
from pipelines.definitions import load, names
from pipelines.images import record_push
from tests.localaws.running import lead_to, new_local_aws, write_step
from tests.pipelines.conftest import REGISTRY, TAG, Run
from tests.pipelines.resolution import ROLE
from tests.pipelines.test_executions import GIVEN, options

pytestmark = pytest.mark.slow

STEPS = [step["Name"] for step in load("ndr-15m-streaming")["Steps"]]
COMMANDS = ("ndr-delta", "ndr-fg-a", "ndr-pair-counts", "ndr-fg-c")
START = ("start", "ndr-15m-streaming", *options(GIVEN), "--wait", "--poll-seconds", "0.1")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    home = tmp_path_factory.mktemp("local-aws")
    local = new_local_aws(home, home / "bin")
    for command in COMMANDS:
        write_step(local.step_bin, command, f'echo "{command} $*" >> {home}/calls; sleep 0.2')
    local.start()
    yield local
    local.stop()


@pytest.fixture
def local(running: LocalAws, environment: pytest.MonkeyPatch, run: Run) -> LocalAws:
    """The local AWS with the pipelines in it, to which the environment leads."""
    lead_to(running, environment)
    (running.home / "calls").unlink(missing_ok=True)
    assert run("upsert", "--role-arn", ROLE).exit_code == 0
    return running


@pytest.mark.slow
def test_the_images_are_those_of_this_machine_whatever_was_pushed(
    running: LocalAws, environment: pytest.MonkeyPatch, run: Run, record: Path
) -> None:
    lead_to(running, environment)
    record_push(REGISTRY, TAG, record)
    one = ("upsert", "--only", "ndr-delta-builder", "--role-arn", ROLE)
    assert run(*one).output.startswith("images: docker.io/library, tag latest (local images)\nndr-delta-builder: ")
    given = run(*one, "--default", f"ImageRegistry={REGISTRY}", "--default", "ImageTag=7")
    assert given.output.startswith(f"images: {REGISTRY}, tag 7 (given)\nndr-delta-builder: updated")
    running.client("sagemaker").delete_pipeline(PipelineName="ndr-delta-builder", ClientRequestToken="t" * 32)


def test_upsert_again_changes_nothing(local: LocalAws, run: Run) -> None:
    images = "images: docker.io/library, tag latest (deployed)"
    assert run("upsert").output.splitlines() == [images, *(f"{name}: unchanged" for name in names())]


def test_wait_reports_each_step(local: LocalAws, run: Run) -> None:
    result = run(*START)
    assert result.exit_code == 0, result.output
    lines = [json.loads(line)["message"] for line in result.stderr.splitlines()]
    assert [line for line in lines if line.endswith(": Succeeded")] == [f"{name}: Succeeded" for name in STEPS]
    calls = (local.home / "calls").read_text().splitlines()
    assert [call.split()[0] for call in calls] == list(COMMANDS)
    assert all(" --window 2026-03-10T13:08:00Z/2026-03-10T13:23:00Z" in call for call in calls)


def test_wait_fails_with_the_step_that_failed(local: LocalAws, run: Run) -> None:
    program = local.step_bin / "ndr-fg-a"
    kept = program.read_text()
    write_step(local.step_bin, "ndr-fg-a", "echo 'error: disk is full. Free some' >&2; exit 1")
    try:
        result = run(*START)
    finally:
        program.write_text(kept)
    assert result.exit_code == 1
    [line] = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert "ended Failed: FGABuilderStep: AlgorithmError: " in line
    assert "Read the log of arn:aws:sagemaker:us-east-1:" in line
    assert "PairCountsBuilderStep" not in result.stderr
