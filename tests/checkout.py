"""A copy of the repository that a test may change, and commands in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", "__pycache__", ".*_cache", "node_modules", "demo", "build", "site")
ENVIRONMENTS = (".venv", ".venv-pipelines")


def copy_of_repository(target: Path) -> Path:
    """A copy of the tree below `target`, with the environments of this one."""
    shutil.copytree(ROOT, target, ignore=LEFT_OUT)
    for name in ENVIRONMENTS:
        place = Path(sys.prefix) if name == ".venv" else (ROOT / name).resolve()
        (target / name).symlink_to(place)
    return target


def contents(root: Path) -> dict[str, bytes]:
    """The content of each file of the copy, by its path; without caches and environments."""
    left_out = {".mypy_cache", ".ruff_cache", ".pytest_cache", "__pycache__", *ENVIRONMENTS}
    files = (path for path in root.rglob("*") if path.is_file())
    paths = ((path, path.relative_to(root)) for path in files)
    return {str(name): path.read_bytes() for path, name in paths if not left_out & set(name.parts)}


def run(root: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """The result of the command in the copy, which finds the copy's code before the installed one."""
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def run_python(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The result of the interpreter of this environment in the copy."""
    return run(root, sys.executable, *arguments)


def run_make(root: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """The result of `make` in the copy; the environments are not set up again, although pyproject.toml changed."""
    installed = [part for name in (".venv", ".venv-local", ".venv-pipelines") for part in ("-o", f"{name}/.installed")]
    return run(root, "make", *installed, *arguments)
