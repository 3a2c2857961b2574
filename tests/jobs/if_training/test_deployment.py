"""Publication, attributes, gates and promotion."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from common.detection.inputs import model_features
from common.detection.registry.formats import encoded, sha256
from common.lake.lake import Lake
from tests.factories import SPEC
from tests.jobs.if_training.conftest import FAST, WINDOWS, Lifecycle, second
from tests.jobs.if_training.lakes import span

pytestmark = pytest.mark.slow

PROVISIONAL = "provisional model of day 1 of 9; "
NO_CURRENT = "there is no current model to compare with"


def gates(lifecycle: Lifecycle) -> dict[str, str]:
    return {gate["name"]: gate["verdict"] for gate in lifecycle.artifact("deploy")["gates"]}


def test_the_card_follows_from_the_final_report(first: Lifecycle) -> None:
    card, report = first.artifact("publish"), first.artifact("train")
    manifest = first.path("manifest.json").read_bytes()
    assert card["model"]["manifest_sha256"] == sha256(manifest)
    assert card["model"]["model_sha256"] == sha256(first.path("arrays.safetensors").read_bytes())
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
        ("deploy", "arrays.safetensors"),
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


@pytest.mark.parametrize(("windows", "current"), [(WINDOWS, "run-1"), (WINDOWS - 1, "run-2")])
def test_a_provisional_model_gives_way_to_one_of_more_windows_whatever_gates_estimate(
    first: Lifecycle, windows: int, current: str
) -> None:
    first.run("deploy")
    report = first.artifact("train") | {"windows": windows}
    first.path("report.json").write_text(json.dumps(report))
    other = second(first)
    other.parameters(training=FAST | {"min_relative_improvement": -1.0, "min_refit_agreement": 1.0})
    if current == "run-1":
        assert "not deployed because refit_agreement is" in other.fail("deploy")
    else:
        other.run("deploy")
        assert (other.artifact("deploy")["provisional"], gates(other)["refit_agreement"]) == (True, "refused")
    assert first.current() == current


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
    first.path("arrays.safetensors").write_bytes(b"broken")
    other = second(first)
    other.run("deploy")
    reason = next(gate["reason"] for gate in other.artifact("deploy")["gates"] if gate["name"] == "improvement")
    assert reason.startswith("the current model run-1 cannot be compared with: arrays.safetensors of model run-1")
    assert other.current() == "run-2"


def test_an_endpoint_needs_models_in_s3(first: Lifecycle) -> None:
    endpoint = {"name": "ndr", "image": "image", "role_arn": "arn:aws:iam::123456789012:role/ndr"}
    first.parameters(training=FAST | {"endpoint": endpoint})
    assert "endpoint ndr cannot serve a model in" in first.fail("deploy")
