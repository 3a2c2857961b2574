"""Models are listed, compared, promoted and rolled back, and each decision is recorded once with who, when and why."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from common.aws.caller import caller
from common.detection.registry.decisions import Note, decisions
from common.detection.registry.formats import encoded
from common.detection.registry.pointer import ArtifactStore, current_run, model_store
from common.detection.registry.promotion import settle
from common.lake.lake import Lake
from tests.common.detection.model_lake import HOSTS, make_lake, train_model
from tests.factories import SPEC
from tools.models.cli import main

pytestmark = pytest.mark.slow

Document = dict[str, Any]
WHY = ("--reason", "it finds more", "--by", "jane")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A lake with three promoted models, and their runs, the oldest first."""
    lake = make_lake(tmp_path_factory.mktemp("models"))
    return lake, [train_model(lake, state)["run_id"] for state in (1, 2, 3)]


@pytest.fixture
def lake(trained: tuple[Path, list[str]], tmp_path: Path) -> Path:
    return shutil.copytree(trained[0], tmp_path / "lake")


@pytest.fixture
def runs(trained: tuple[Path, list[str]]) -> list[str]:
    return trained[1]


@pytest.fixture
def store(lake: Path) -> ArtifactStore:
    return model_store(str(lake), "local")


def call(lake: Path, *arguments: str) -> str:
    result = CliRunner().invoke(main, [*arguments, "--lake", str(lake)])
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(lake: Path, *arguments: str) -> str:
    result = CliRunner().invoke(main, [*arguments, "--lake", str(lake)])
    assert result.exit_code == 1, result.output
    return result.stderr


def listed(lake: Path) -> dict[str, Document]:
    rows = [json.loads(line) for line in call(lake, "list").splitlines()]
    return {row["run_id"]: row for row in rows}


def recorded(lake: Path) -> list[tuple[str, str, str | None, str | None]]:
    found = decisions(Lake(str(lake), SPEC), "local")
    return [(entry.action, entry.run_id, entry.from_run, entry.current_run) for entry in found]


def deployment(store: ArtifactStore, run_id: str, verdict: str) -> None:
    """What the deploy stage leaves of a gate."""
    gate = {"name": "alert_share", "value": 0.25, "bound": "<= 0.02", "verdict": verdict, "reason": ""}
    store.write(f"{run_id}/deployment.json", encoded({"go": verdict == "passed", "gates": [gate]}))


def test_the_list_says_what_became_of_each_model_and_why(lake: Path, runs: list[str]) -> None:
    rows = listed(lake)
    assert list(rows) == runs[::-1]
    assert [rows[run]["status"] for run in runs] == ["previous", "previous", "current"]
    assert {rows[runs[2]][name] for name in ("decided_by", "reason")} == {"jane", "the first one"}
    assert all(row["loads"] and row["rows"] == 8 * HOSTS for row in rows.values())


def test_decisions_are_recorded_with_who_and_why(lake: Path, runs: list[str], store: ArtifactStore) -> None:
    made = json.loads(call(lake, "promote", runs[0], *WHY))
    assert (made["action"], made["from_run"], made["current_run"]) == ("promote", runs[2], runs[0])
    assert current_run(store) == runs[0]
    back = json.loads(call(lake, "rollback", "--reason", "  too many\nalerts "))
    assert (back["action"], back["run_id"], back["current_run"]) == ("rollback", runs[0], runs[2])
    assert (back["decided_by"], back["reason"]) == (caller(on_aws=False), "too many alerts")
    assert recorded(lake)[-2:] == [
        ("promote", runs[0], runs[2], runs[0]),
        ("rollback", runs[0], runs[0], runs[2]),
    ]
    assert [listed(lake)[run]["status"] for run in runs] == ["rolled back", "previous", "current"]
    assert listed(lake)[runs[2]]["reason"] == "too many alerts"  # which made it current again
    shown = json.loads(call(lake, "show", runs[0]))
    assert [entry["reason"] for entry in shown["decisions"]] == ["it finds more", "too many alerts"]
    assert shown["manifest"]["run_id"] == runs[0] and "preprocessing" not in shown["manifest"]


def test_a_repeated_promotion_keeps_the_model_and_is_recorded_once(lake: Path, runs: list[str]) -> None:
    for _ in range(2):
        assert json.loads(call(lake, "promote", "current", *WHY))["action"] == "keep"
    assert [entry[0] for entry in recorded(lake)] == ["promote", "keep"]  # the first ones were moved without a lake


def test_a_decision_that_a_killed_command_did_not_record_is_recorded_by_the_next(lake: Path, runs: list[str]) -> None:
    assert recorded(lake) == []
    assert listed(lake)[runs[2]]["reason"] == "the first one"  # known from the pointer
    call(lake, "rollback", *WHY)
    assert recorded(lake) == [("promote", runs[2], runs[1], runs[2]), ("rollback", runs[2], runs[2], runs[1])]


def test_rollback_goes_back_to_a_named_run(lake: Path, runs: list[str], store: ArtifactStore) -> None:
    call(lake, "rollback", "--to", runs[0], *WHY)
    assert current_run(store) == runs[0]
    assert [listed(lake)[run]["status"] for run in runs] == ["current", "rolled back", "rolled back"]
    assert "is the first one" in refused(lake, "rollback", *WHY)


@pytest.mark.parametrize("arguments", [("promote", "previous"), ("rollback",)])
def test_a_dry_run_changes_nothing(lake: Path, runs: list[str], arguments: tuple[str, ...]) -> None:
    before = {path: path.read_bytes() for path in lake.rglob("*") if path.is_file()}
    found = json.loads(call(lake, *arguments, "--dry-run", *WHY))
    assert (found["dry_run"], found["current_run"]) == (True, runs[1])
    assert {path: path.read_bytes() for path in lake.rglob("*") if path.is_file()} == before


def test_gates_hold_a_model_back_unless_someone_says_otherwise(
    lake: Path, runs: list[str], store: ArtifactStore
) -> None:
    call(lake, "rollback", "--to", runs[0], *WHY)
    assert f"no gate was applied to model {runs[1]}. Run ndr-if-training" in refused(lake, "promote", runs[1], *WHY)
    deployment(store, runs[1], "refused")
    assert "refused by its gates: alert_share is 0.25, wanted <= 0.02" in refused(lake, "promote", runs[1], *WHY)
    call(lake, "promote", runs[1], "--despite-gates", *WHY)
    assert current_run(store) == runs[1]
    last = decisions(Lake(str(lake), SPEC), "local")[-1]
    assert json.loads(last.gates)["alert_share"] == {"value": 0.25, "bound": "<= 0.02", "verdict": "refused"}
    deployment(store, runs[2], "passed")
    call(lake, "promote", runs[2], *WHY)
    assert current_run(store) == runs[2]


def test_a_model_that_is_altered_or_of_other_settings_is_neither_promoted_nor_gone_back_to(
    lake: Path, runs: list[str], store: ArtifactStore
) -> None:
    path = lake / "models/local" / runs[1] / "arrays.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    for arguments in (("promote", runs[1]), ("rollback",)):
        assert f"arrays.safetensors of model {runs[1]}" in refused(lake, *arguments, *WHY)
    settings = lake / "settings.yaml"
    settings.write_text("model_horizon: 30d\n")
    assert "model_horizon" in refused(lake, "promote", runs[0], "--parameters", str(settings), *WHY)
    assert current_run(store) == runs[2] and recorded(lake) == []


def test_an_unknown_run_is_answered_with_those_that_exist(lake: Path, runs: list[str]) -> None:
    near = f"{runs[1][:-1]}x"
    error = refused(lake, "show", near)
    assert f"there is no model {near} in" in error and f"Choose one of {runs[1]}" in error
    assert f"Choose one of {runs[2]}, {runs[1]}, {runs[0]}, or see ndr-models list" in refused(lake, "show", "zzz")


def test_a_damaged_model_is_listed_as_one(lake: Path, runs: list[str]) -> None:
    (lake / "models/local" / runs[1] / "manifest.json").write_bytes(b"{")
    row = listed(lake)[runs[1]]
    assert row["status"] == "damaged" and "manifest.json is damaged" in row["reason"]
    assert "manifest.json is damaged" in refused(lake, "show", "previous")


def test_a_reason_is_needed(lake: Path) -> None:
    for arguments in (["promote", "current"], ["promote", "current", "--reason", " "]):
        assert CliRunner().invoke(main, [*arguments, "--lake", str(lake)]).exit_code == 2


def compared(lake: Path, *arguments: str) -> dict[str, Document]:
    rows = [json.loads(line) for line in call(lake, "compare", *arguments).splitlines()]
    return {row["figure"].partition("Z: ")[2] or row["figure"]: row for row in rows}


def test_two_models_are_compared_by_figures_and_by_their_scores_of_the_last_window(
    lake: Path, runs: list[str], store: ArtifactStore
) -> None:
    for run, share in ((runs[0], 0.5), (runs[1], 0.75)):
        store.write(f"{run}/report.json", encoded({"validation": {"alert_share": share}}))
    figures = compared(lake, runs[0], runs[1], "--top", "5")
    assert (figures["run_id"]["a"], figures["run_id"]["b"]) == (runs[0], runs[1])
    assert figures["validation.alert_share"]["difference"] == 0.25
    # the reports are no longer those that the manifests list, so the models do not load
    last = next(name for name in figures if name.startswith("scores of "))
    assert "report.json of model" in figures[last]["difference"]


def test_a_model_agrees_with_itself_and_less_with_another(lake: Path, runs: list[str]) -> None:
    same = compared(lake, "current", runs[2], "--top", "5")
    assert same["rank correlation"]["difference"] == 1
    assert same["among the highest 5 of both"]["difference"] == 5
    assert (same["rows"]["a"], same["rows"]["b"]) == (HOSTS, HOSTS)
    other = compared(lake, runs[0], "current", "--window", "2026-03-10T00:08Z/2026-03-10T02:08Z")
    assert 0 < other["rank correlation"]["difference"] < 1
    assert other["rows"]["a"] == 8 * HOSTS


def test_windows_without_rows_cannot_be_compared(lake: Path) -> None:
    assert "fg_a" in refused(lake, "compare", "current", "previous", "--window", "2026-03-12T00:08Z")


def test_decisions_outlive_the_pointer(lake: Path, store: ArtifactStore, runs: list[str]) -> None:
    settle(Lake(str(lake), SPEC), store)
    store.delete("current.json")
    deployment(store, runs[0], "passed")
    call(lake, "promote", runs[0], *WHY)
    assert [entry[1:] for entry in recorded(lake)] == [(runs[2], runs[1], runs[2]), (runs[0], None, runs[0])]
    assert Note("jane", " a \n b ").reason == "a b"


def test_a_lake_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    assert "lakee has no tables" in refused(tmp_path / "lakee", "list")
