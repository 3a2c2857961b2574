"""Publication, attributes, gates, promotion and the way back."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from common.aws.caller import caller
from common.detection.inputs import model_features
from common.detection.registry.decisions import decisions
from common.detection.registry.formats import encoded, sha256
from common.lake.lake import Lake
from jobs.if_training.cli import main
from tests.factories import SPEC
from tests.jobs.if_training.conftest import Lifecycle
from tests.jobs.if_training.lakes import add_windows, span

pytestmark = pytest.mark.slow

WINDOWS, HOSTS = 60, 20
PROVISIONAL = "provisional model of day 1 of 9; "
NO_CURRENT = "there is no current model to compare with"
FAST: dict[str, Any] = {
    "min_rows": 20,
    "selection_min_rows": 100_000,
    "tuning_trials": 0,
    "transplants": 60,
    "max_alert_share": 0.2,
    "max_score_psi": 1.0,
    "min_refit_agreement": 0.3,
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with run-1 trained and its attributes written, and run-2 as well; none is current."""
    lake = tmp_path_factory.mktemp("deployment") / "lake"
    lake.mkdir()
    add_windows(lake, span(WINDOWS), HOSTS)
    for name, more in (("run-1", []), ("run-2", ["--random-state", "9"])):
        made = Lifecycle(lake, span(WINDOWS), name)
        made.parameters(training=FAST)
        for stage in ("verify", "remediate", "reverify", "train", "publish", "attributes"):
            made.run(stage, *more)
    return lake


@pytest.fixture
def first(source: Path, tmp_path: Path) -> Lifecycle:
    """Run 1, ready to be deployed."""
    made = Lifecycle(shutil.copytree(source, tmp_path / "lake"), span(WINDOWS))
    made.parameters(training=FAST)
    return made


def second(first: Lifecycle) -> Lifecycle:
    """Run 2 on the lake of the first one, which has another seed."""
    return Lifecycle(first.lake, first.windows, "run-2", first.settings)


def rollback(lake: Path, *more: str) -> tuple[int, dict[str, Any], str]:
    result = CliRunner().invoke(main, ["--stage", "rollback", "--lake", str(lake), *more])
    details = json.loads(result.stdout)["details"] if result.exit_code == 0 else {}
    return result.exit_code, details, result.stderr


def gates(lifecycle: Lifecycle) -> dict[str, str]:
    return {gate["name"]: gate["verdict"] for gate in lifecycle.artifact("deploy")["gates"]}


def test_the_card_follows_from_the_final_report(first: Lifecycle) -> None:
    card, report = first.artifact("publish"), first.artifact("train")
    manifest = first.path("manifest.json").read_bytes()
    assert card["model"]["manifest_sha256"] == sha256(manifest)
    assert card["model"]["model_sha256"] == sha256(first.path("model.safetensors").read_bytes())
    assert card["card"]["training"]["rows"] == report["rows"]
    assert card["card"]["validation"] == report["validation"]
    assert card["card"]["libraries"] == json.loads(manifest)["libraries"]


def test_the_contract_says_how_the_input_is_made(first: Lifecycle) -> None:
    found = first.artifact("attributes")
    names = list(model_features(SPEC).names)
    assert found["join"]["on"] == ["host_ip", "window_end_ts"]
    assert found["join"]["where"] == {"fg_c.baseline_horizon": "7d"}
    assert found["features"]["order"] == names
    assert found["features"]["sha256"] == sha256(encoded(names))
    assert (found["features"]["from_fg_a"], found["features"]["from_fg_c"]) == (
        len(SPEC.fg_a_features()),
        len(SPEC.fg_c_features()) + len(SPEC.score_names),
    )
    manifest = json.loads(first.path("manifest.json").read_bytes())
    assert found["preprocessing"]["mask"] == manifest["preprocessing"]["mask"]
    assert found["windows"]["training"] == str(span(WINDOWS))


@pytest.mark.parametrize("stage", ["publish", "attributes"])
def test_card_and_contract_are_the_same_every_time(first: Lifecycle, stage: str) -> None:
    before = first.artifact(stage)
    first.run(stage)
    assert first.artifact(stage) == before


@pytest.mark.parametrize(
    ("stage", "name"),
    [  # only the deployment reads the model itself
        ("publish", "manifest.json"),
        ("attributes", "manifest.json"),
        ("deploy", "manifest.json"),
        ("deploy", "model.safetensors"),
    ],
)
def test_altered_files_are_refused(first: Lifecycle, stage: str, name: str) -> None:
    first.path(name).write_bytes(first.path(name).read_bytes() + b" ")
    assert f"{name} of model run-1" in first.fail(stage)
    assert first.current() is None


def test_the_first_model_is_deployed_without_comparison(first: Lifecycle) -> None:
    report = first.run("deploy")
    assert first.current() == "run-1"
    assert report["details"]["pointer_moved"] is True
    found = first.artifact("deploy")
    assert (found["go"], found["status"], found["compared_with"]) == (True, "deployed", None)
    assert gates(first) == {
        "improvement": "not_applicable", "alert_share": "passed", "score_psi": "passed", "refit_agreement": "passed",
        "pair_alert_share": "not_applicable", "preprocessing_parity": "passed", "score_difference": "passed",
    }  # fmt: skip
    reason = next(gate["reason"] for gate in found["gates"] if gate["name"] == "improvement")
    assert reason == NO_CURRENT


def test_deploying_again_changes_nothing(first: Lifecycle) -> None:
    first.run("deploy")
    pointer = first.lake / "models/local/current.json"
    before = pointer.read_bytes()
    assert first.run("deploy")["details"]["pointer_moved"] is False
    assert pointer.read_bytes() == before


def test_the_next_model_is_compared_on_the_same_rows(first: Lifecycle) -> None:
    first.run("deploy")
    other = second(first)
    other.parameters(training=FAST | {"min_relative_improvement": -0.9})
    other.run("deploy")
    found = other.artifact("deploy")
    assert found["compared_with"] == "run-1"
    assert gates(other)["improvement"] == "passed"
    own = other.artifact("train")["validation"]["average_precision"]
    improvement = next(gate["value"] for gate in found["gates"] if gate["name"] == "improvement")
    assert own / (1 + improvement) == pytest.approx(own, rel=0.9)
    assert other.current() == "run-2"
    pointer = json.loads((first.lake / "models/local/current.json").read_bytes())
    assert [entry["run_id"] for entry in pointer["previous"]] == ["run-1"]


def test_a_repeated_deployment_is_compared_with_the_model_that_was_replaced(first: Lifecycle) -> None:
    for lifecycle in (first, second(first)):
        lifecycle.parameters(training=FAST | {"promotion": "always"})
        lifecycle.run("deploy")
        deployed = lifecycle.artifact("deploy")
        lifecycle.path("deployment.json").unlink()  # as if killed after the pointer moved
        assert lifecycle.run("deploy")["details"]["pointer_moved"] is False
        assert lifecycle.artifact("deploy") == deployed


def test_a_model_that_is_not_better_enough_is_refused_and_the_pointer_stays(first: Lifecycle) -> None:
    first.run("deploy")
    other = second(first)
    other.parameters(training=FAST | {"min_relative_improvement": 5.0})
    line = other.fail("deploy")
    assert "model run-2 was not deployed because improvement is" in line and "wanted >= 5" in line
    assert first.current() == "run-1"
    found = other.artifact("deploy")
    assert (found["go"], found["status"]) == (False, "refused")
    other.parameters(training=FAST | {"min_relative_improvement": 5.0, "promotion": "always"})
    other.run("deploy")
    assert other.current() == "run-2"
    assert gates(other)["improvement"] == "refused"  # reported all the same


@pytest.mark.parametrize(
    ("settings", "gate"),
    [
        ({"max_alert_share": 0.0, "alert_score": 0.5}, "alert_share"),
        ({"min_refit_agreement": 1.0}, "refit_agreement"),
    ],
)
def test_each_bound_can_refuse_all_but_the_first_model_of_a_young_project(
    first: Lifecycle, settings: dict[str, Any], gate: str
) -> None:
    strict = FAST | {"min_relative_improvement": -1.0} | settings
    first.parameters(training=strict)
    first.run("deploy")
    found = first.artifact("deploy")
    assert (first.current(), found["provisional"], gates(first)[gate]) == ("run-1", True, "refused")
    (decision,) = Lake(str(first.lake), SPEC).arrow("model_decisions").to_pylist()
    assert decision["reason"].startswith(f"{PROVISIONAL}gates refused: ")
    other = second(first)
    other.parameters(training=strict)
    assert f"not deployed because {gate} is" in other.fail("deploy")
    assert (first.current(), other.artifact("deploy")["provisional"]) == ("run-1", False)
    assert gates(other)[gate] == "refused"


def test_preprocessing_that_gives_other_values_than_in_training_is_refused(first: Lifecycle) -> None:
    """The examined rows as stored, but the statistics changed by someone who could also write all digests."""
    manifest = json.loads(first.path("manifest.json").read_bytes())
    manifest["preprocessing"]["medians"][7] += 0.5
    content = encoded(manifest)
    first.path("manifest.json").write_bytes(content)
    first.path("SUCCESS").write_text(sha256(content))
    line = first.fail("deploy")
    assert "preprocessing_parity is 0, wanted >= 1" in line
    assert first.current() is None


def test_altered_examined_rows_are_refused(first: Lifecycle) -> None:
    with np.load(first.path("validation.npz")) as archive:
        changed = dict(archive) | {"odd": ~archive["odd"]}
    np.savez_compressed(first.path("validation.npz"), **changed)
    assert "validation.npz of model run-1" in first.fail("deploy")


def test_a_current_model_that_cannot_be_read_is_no_obstacle(first: Lifecycle) -> None:
    first.run("deploy")
    first.path("model.safetensors").write_bytes(b"broken")
    other = second(first)
    other.run("deploy")
    reason = next(gate["reason"] for gate in other.artifact("deploy")["gates"] if gate["name"] == "improvement")
    assert reason.startswith("the current model run-1 cannot be compared with: model.safetensors of model run-1")
    assert other.current() == "run-2"


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


def test_an_endpoint_needs_models_in_s3(first: Lifecycle) -> None:
    endpoint = {"name": "ndr", "image": "image", "role_arn": "arn:aws:iam::123456789012:role/ndr"}
    first.parameters(training=FAST | {"endpoint": endpoint})
    assert "endpoint ndr cannot serve a model in" in first.fail("deploy")


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
