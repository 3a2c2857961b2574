"""The worked examples of `docs/contributing` work as they stand there, and touch the files that they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checkout import ROOT, contents, copy_of_repository, run_python
from tests.contributing.worked_example import follow, touched_files

PAGES = ROOT / "docs" / "contributing"


@pytest.fixture(scope="module")
def types(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that checks types, with what it knows of all copies of the repository."""
    return ["mypy", "--follow-imports=silent", "--cache-dir", str(tmp_path_factory.mktemp("types"))]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["add-a-log-format", "add-a-feature", pytest.param("add-a-stage", marks=pytest.mark.long)]
)
def test_worked_example(name: str, types: list[str], tmp_path: Path) -> None:
    root = copy_of_repository(tmp_path / "repository")
    before = contents(root)
    follow(PAGES / f"{name}.md", root)
    after = contents(root)
    touched = sorted(path for path in before | after if before.get(path) != after.get(path))
    assert touched == sorted(touched_files(PAGES / f"{name}.md"))
    stale = run_python(root, "-m", "docs.generate", "--check")
    assert stale.returncode == 0, stale.stdout + stale.stderr
    written = [path for path in touched if path.endswith(".py")]
    for check in (["ruff", "check"], ["ruff", "format", "--check"], types):
        done = run_python(root, "-m", *check, *written)
        assert done.returncode == 0, done.stdout + done.stderr
