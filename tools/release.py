"""Makes a release of the checkout in the current folder: python -m tools.release <version>."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

VERSION_FILE, CHANGELOG = Path("common/__init__.py"), Path("CHANGELOG.md")
DECLARED = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)
UNRELEASED = "## [Unreleased]\n"


class ReleaseError(Exception):
    """The release cannot be made; nothing was changed."""


def release(version: str) -> None:
    """Sets the version, dates the unreleased section of the changelog, commits both, and tags the commit.

    Raises:
        ReleaseError: the version is none or not newer, the tree has changes or is not on main, or the changelog
            says nothing about the release.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ReleaseError(f"{version!r} is not a version. Use the form 1.2.3")
    declared = DECLARED.search(VERSION_FILE.read_text(encoding="utf-8"))
    before = declared[1] if declared else "0.0.0"
    if _numbers(version) <= _numbers(before):
        raise ReleaseError(f"{version} is not newer than {before}")
    if (branch := _git("rev-parse", "--abbrev-ref", "HEAD")) != "main":
        raise ReleaseError(f"the checkout is on {branch}. Release from main")
    if changes := _git("status", "--porcelain"):
        raise ReleaseError(f"the working tree has changes. Commit or drop them:\n{changes}")
    if _git("tag", "--list", f"v{version}"):
        raise ReleaseError(f"the tag v{version} exists")
    text = CHANGELOG.read_text(encoding="utf-8")
    _, found, following = text.partition(UNRELEASED)
    if not found or not following.partition("\n## [")[0].strip():
        raise ReleaseError(f"{CHANGELOG} has nothing under Unreleased. Say what changes for users")
    dated = f"{UNRELEASED}\n## [{version}] - {datetime.now(UTC):%Y-%m-%d}\n"
    CHANGELOG.write_text(text.replace(UNRELEASED, dated, 1), encoding="utf-8")
    source = VERSION_FILE.read_text(encoding="utf-8")
    VERSION_FILE.write_text(DECLARED.sub(f'__version__ = "{version}"', source), encoding="utf-8")
    _git("commit", "--quiet", "--message", f"Release {version}", "--", str(CHANGELOG), str(VERSION_FILE))
    _git("tag", "--annotate", f"v{version}", "--message", f"Release {version}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make release VERSION=x.y.z")
    try:
        release(sys.argv[1])
    except ReleaseError as error:
        sys.exit(f"error: {error}")
    sys.stdout.write(f"released {sys.argv[1]}; push it with: git push --follow-tags\n")
