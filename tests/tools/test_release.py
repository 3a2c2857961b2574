"""A release, in a repository of its own."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tools.release import ReleaseError, release

pytestmark = pytest.mark.slow

CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Something.\n\n## [0.1.0] - 2026-01-01\n\n- The first.\n"


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "common").mkdir()
    (tmp_path / "common" / "__init__.py").write_text('"""Shared."""\n\n__version__ = "0.1.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    git("init", "--quiet", "--initial-branch", "main")
    git("config", "user.name", "somebody")
    git("config", "user.email", "somebody@example.com")
    git("add", ".")
    git("commit", "--quiet", "--message", "The first")
    return tmp_path


def test_a_release_sets_the_version_dates_the_changes_and_tags_the_commit(repository: Path) -> None:
    release("0.2.0")
    assert (repository / "common" / "__init__.py").read_text() == '"""Shared."""\n\n__version__ = "0.2.0"\n'
    dated = f"## [Unreleased]\n\n## [0.2.0] - {datetime.now(UTC):%Y-%m-%d}\n\n### Added\n"
    assert (repository / "CHANGELOG.md").read_text() == CHANGELOG.replace("## [Unreleased]\n\n### Added\n", dated)
    assert git("status", "--porcelain") == ""
    assert git("log", "-1", "--format=%s") == "Release 0.2.0"
    assert git("rev-parse", "v0.2.0^{commit}") == git("rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("version", "prepare", "reason"),
    [
        ("0.2", [], "is not a version"),
        ("0.1.0", [], "is not newer than 0.1.0"),
        ("0.0.9", [], "is not newer than 0.1.0"),
        ("0.2.0", [["checkout", "--quiet", "-b", "side"]], "is on side"),
        ("0.2.0", [["mv", "CHANGELOG.md", "CHANGES.md"]], "has changes"),
        ("0.2.0", [["tag", "v0.2.0"]], "the tag v0.2.0 exists"),
    ],
)
def test_a_release_that_cannot_be_made_changes_nothing(version: str, prepare: list[list[str]], reason: str) -> None:
    for arguments in prepare:
        git(*arguments)
    before = git("rev-parse", "HEAD"), git("status", "--porcelain"), git("tag")
    with pytest.raises(ReleaseError, match=reason):
        release(version)
    assert (git("rev-parse", "HEAD"), git("status", "--porcelain"), git("tag")) == before


def test_a_release_without_changes_is_refused(repository: Path) -> None:
    release("0.2.0")
    with pytest.raises(ReleaseError, match="nothing under Unreleased"):
        release("0.3.0")
