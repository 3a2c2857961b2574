"""Every state, rule, catcher and retrier of every machine, run on the local AWS; and what holds on all ways."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest

from localaws.cli.process import LocalAws
from statemachines.definitions import states_of
from tests.statemachines.machines.cases import cases, demanded, taken
from tests.statemachines.machines.comparison import said, seen
from tests.statemachines.machines.runs import Machines, Run, write_mock_config
from tests.statemachines.machines.samples import (
    BACKFILL,
    DEFINITIONS,
    LIVE,
    MONTHLY,
    PUBLICATION,
    TRAINING,
)
from tests.statemachines.machines.walker import Walk

pytestmark = pytest.mark.slow

Runs = Mapping[tuple[str, str], Run]


@pytest.fixture(scope="module")
def runs(start_local_aws: Callable[..., LocalAws], tmp_path_factory: pytest.TempPathFactory) -> Runs:
    path = write_mock_config(tmp_path_factory.mktemp("mocks") / "cases.json")
    return Machines(start_local_aws(SFN_MOCK_CONFIG=str(path), SFN_WAIT_SCALE="0.0005")).run_all()


def of(runs: Runs, machine: str) -> list[tuple[str, Walk, Run]]:
    return [(name, way, runs[machine, name]) for name, (_, way) in cases(machine).items()]


@pytest.mark.parametrize("machine", DEFINITIONS)
def test_each_case_goes_the_way_that_the_language_says(runs: Runs, machine: str) -> None:
    wrong = {name: (said(way), seen(run, way)) for name, way, run in of(runs, machine) if said(way) != seen(run, way)}
    assert wrong == {}


@pytest.mark.parametrize("machine", DEFINITIONS)
def test_each_case_that_succeeds_has_the_output_that_the_language_says(runs: Runs, machine: str) -> None:
    wrong = {name: (way.output, run.output) for name, way, run in of(runs, machine) if way.output != run.output}
    assert wrong == {}


@pytest.mark.parametrize("machine", DEFINITIONS)
def test_every_state_is_visited(runs: Runs, machine: str) -> None:
    visited = {name for _, _, run in of(runs, machine) for part in (run, *run.children) for name in part.states}
    assert {path.rpartition("/")[2] for path, _ in states_of(DEFINITIONS[machine])} - visited == set()


@pytest.mark.parametrize("machine", DEFINITIONS)
def test_every_rule_retrier_and_catcher_is_taken(runs: Runs, machine: str) -> None:
    same = [way for _, way, run in of(runs, machine) if said(way) == seen(run, way)]
    assert demanded(machine) - taken(same) == set()


UNDER_LOCK = {
    # the first state under the lock, and the one that gives it back
    LIVE: ("ListMiniBatchesOfWindow", "ReleaseMiniBatchLockOnFailure"),
    PUBLICATION: ("StartPredictionJoinPipeline", "MarkPublicationFailed"),
}


@pytest.mark.parametrize("machine", UNDER_LOCK)
def test_every_failure_under_a_lock_gives_it_back(runs: Runs, machine: str) -> None:
    first, release = UNDER_LOCK[machine]
    failed = {
        (machine, name): run
        for name, _, run in of(runs, machine)
        if run.status == "FAILED" and first in run.states and run.error != "Ndr.LeaseLost"
    }
    assert len(failed) > 10
    # a window that is published without the execution's own batch has released its lock before the execution fails
    published = {case for case, run in failed.items() if run.states[-2] == "OwnBatchChoice"}
    assert {case for case, run in failed.items() if release not in run.states} == published


@pytest.mark.parametrize("machine", UNDER_LOCK)
def test_a_lock_that_is_not_acquired_for_sure_is_given_back_too(runs: Runs, machine: str) -> None:
    acquire = {LIVE: "AcquireMiniBatchLock", PUBLICATION: "AcquirePublicationLock"}[machine]
    assert UNDER_LOCK[machine][1] in runs[machine, f"{acquire}-catch-1"].states


def test_every_failed_range_of_a_backfill_gives_its_locks_back(runs: Runs) -> None:
    children = [child for _, _, run in of(runs, BACKFILL) for child in run.children]
    failed = [child.states for child in children if child.states[-1] in ("DeltaFailed", "BackfillFailed")]
    assert len(failed) > 5
    assert all(
        re.search(r"Release(\w+)LocksOnFailure \1Failed$|Release(\w+)Locks \2EndChoice \2Failed$", " ".join(states))
        for states in failed
    )


@pytest.mark.parametrize("machine", DEFINITIONS)
def test_every_failure_ends_in_one_state_with_a_cause(runs: Runs, machine: str) -> None:
    failed = [(name, run) for name, _, run in of(runs, machine) if run.status == "FAILED"]
    last = {run.states[-1] for _, run in failed}
    assert last == {"WorkflowFailed"}
    assert [name for name, run in failed if not run.error or len(run.cause) < 20] == []


@pytest.mark.parametrize("machine", [LIVE, PUBLICATION, MONTHLY, TRAINING])
def test_every_failed_pipeline_is_named_with_step_and_reason(runs: Runs, machine: str) -> None:
    for name, _, run in of(runs, machine):
        if {"ExplainPipelineFailure", "ExplainFeaturesFailure"} & {*run.states[-4:]} and not name.startswith("Explain"):
            assert run.error == "Ndr.PipelineFailed", name
            assert run.cause.startswith("pipeline ndr-"), name
            assert "step FGABuilderStep: AlgorithmError: the disk is full" in run.cause, name
