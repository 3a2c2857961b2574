"""The definitions are built anew, and compared with the committed ones."""

from __future__ import annotations

import json
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


def test_list_and_help(run: Run) -> None:
    assert json.loads(run("list").output.splitlines()[0]) == {
        "pipeline": "ndr-15m-streaming",
        "steps": ["DeltaBuilderStep", "FGABuilderStep", "PairCountsBuilderStep", "FGCCorrBuilderStep"],
    }
    for arguments in ([], ["list"], ["generate"], ["upsert"], ["diff"], ["start"]):
        assert "Example: ndr-pipelines" in run(*arguments, "--help").output
