"""The worked example of a new feature works as its page says, and touches the files that it lists."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "contributing" / "add-a-feature.md"
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.M | re.S)
NEEDED = ("common", "docs", "jobs", "tests", "tools", "localaws", "pyproject.toml", "Makefile", "images")


@pytest.mark.slow
def test_a_feature_is_one_row_and_one_line(tmp_path: Path) -> None:
    root = copied(tmp_path / "repository")
    before = contents(root)
    steps = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    for language, title, text in steps:
        if language == "diff":
            change(root / title, text)
        elif language == "console":
            for line in re.findall(r"^\$ (.*)$", text, re.M):
                run(root, line)
    after = contents(root)
    (listed,) = [text.splitlines() for _, title, text in steps if title == "files"]
    assert sorted(path for path in after if before.get(path) != after[path]) == listed


def copied(root: Path) -> Path:
    """The part of the tree that the steps need, with this environment."""
    root.mkdir()
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copy(source, root / name)
    (root / ".venv").symlink_to(sys.prefix)
    return root


def contents(root: Path) -> dict[str, bytes]:
    paths = [path for path in root.rglob("*") if path.is_file() and not {".venv", ".pytest_cache"} & set(path.parts)]
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def change(path: Path, diff: str) -> None:
    """Adds what the diff adds, where its other lines are."""
    lines = diff.splitlines()
    old = "\n".join(line[1:] for line in lines if line[0] == " ")
    new = "\n".join(line[1:] for line in lines)
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} has {text.count(old)} times:\n{old}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def run(root: Path, line: str) -> None:
    """Runs the command with the copy's code; what `make` would set up is there."""
    words = shlex.split(line)
    command = (
        ["make", "-o", ".venv/.installed", "-o", ".venv-local/.installed", *words[1:]] if words[0] == "make" else words
    )
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{line}:\n{done.stdout}{done.stderr}"
