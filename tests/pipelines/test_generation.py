"""The definitions are built anew, and compared with the committed ones."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipelines import definitions
from tests.pipelines.conftest import Run


def test_without_the_environment_of_the_sdk(tmp_path: Path) -> None:
    with pytest.raises(definitions.DefinitionError, match=r"is missing\. Run make pipelines-definitions"):
        definitions.build(tmp_path)


def test_an_environment_that_cannot_build(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text("#!/bin/sh\necho No module named sagemaker >&2\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(definitions.DefinitionError, match="No module named sagemaker"):
        definitions.build(tmp_path)


def test_the_folder_holds_what_was_built(tmp_path: Path) -> None:
    one: dict[str, Any] = {"Steps": [], "Parameters": []}
    other = {"Steps": [{"Name": "A"}]}
    definitions.write({"a": one, "b": other}, tmp_path)
    assert definitions.stale({"a": one, "b": other}, tmp_path) == []
    assert (tmp_path / "a.json").read_text() == '{\n  "Parameters": [],\n  "Steps": []\n}\n'
    (tmp_path / "b.json").write_text(json.dumps(other))
    assert definitions.stale({"a": one, "b": other, "c": one}, tmp_path) == ["b", "c"]
    assert definitions.stale({"b": other}, tmp_path) == ["a", "b"]
    definitions.write({"b": other}, tmp_path)
    assert definitions.names(tmp_path) == ["b"]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small checkout whose code builds the pipeline `a`, as it is committed."""
    folder = tmp_path / "pipelines" / "definitions"
    definitions.write({"a": {"Steps": []}}, folder)
    (tmp_path / "pyproject.toml").touch()
    for name, value in (("ROOT", tmp_path), ("SOURCES", ["pipelines"]), ("CURRENT", tmp_path / "build" / "current")):
        monkeypatch.setattr(definitions, name, value)
    monkeypatch.setattr(definitions, "build", lambda: {"a": {"Steps": []}})
    monkeypatch.setattr(definitions, "stale", partial(definitions.stale, folder=folder))
    return tmp_path


def test_definitions_are_built_again_only_if_something_changed(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    definitions.check_current()
    monkeypatch.setattr(definitions, "build", lambda: {"a": {"Steps": ["other"]}})
    definitions.check_current()  # neither code nor definitions are different
    said = r"the committed definitions of a are not what pipelines/ builds\. Run make pipelines-definitions and commit"
    (checkout / "pipelines" / "build.py").write_text("other code")
    for _ in range(2):  # a refusal is not kept
        with pytest.raises(definitions.DefinitionError, match=said):
            definitions.check_current()
    definitions.write({"a": {"Steps": ["other"]}}, checkout / "pipelines" / "definitions")
    definitions.check_current()


def test_without_a_checkout_definitions_are_not_built(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definitions, "build", lambda: {})
    with pytest.raises(definitions.DefinitionError):
        definitions.check_current()
    (checkout / "pyproject.toml").unlink()
    definitions.check_current()


def test_what_agrees_but_cannot_be_kept_is_said(checkout: Path) -> None:
    (checkout / "build").write_text("no folder")
    with pytest.raises(definitions.DefinitionError, match=r"current cannot be written: .*\. Make the folder writable"):
        definitions.check_current()


def test_list_and_help(run: Run) -> None:
    assert json.loads(run("list").output.splitlines()[0]) == {
        "pipeline": "ndr-15m-streaming",
        "steps": ["DeltaBuilderStep", "FGABuilderStep", "PairCountsBuilderStep", "FGCCorrBuilderStep"],
    }
    for arguments in ([], ["list"], ["generate"], ["upsert"], ["diff"], ["start"]):
        assert "Example: ndr-pipelines" in run(*arguments, "--help").output
