"""Runs the commands of a page in a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests.checkout import ROOT
from tests.docs.blocks import Block, Step, blocks, fails, matches

PAGES = (ROOT / "README.md", *sorted(path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "reference"))
BETWEEN = "__end_of_step__"
NEEDS_A_MARK = re.compile(r"(?:^|&&|;)\s*(?:time |[A-Z_]+=\S+ )*(?:make|docker|aws|git|pip|\.ci/\w+)\b", re.MULTILINE)
# no command of a page may reach somebody's account
NO_ACCOUNT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
SHORT_SECONDS, LONG_SECONDS = 90, 4 * 3600


def copy_of_repository(folder: Path) -> Path:
    """A copy of the files of the working tree in a new folder, with the environments of the original."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for environment in ROOT.glob(".venv*"):
        if not (folder / environment.name).exists():
            (folder / environment.name).symlink_to(environment)
    return folder


def problems(page: Path, folder: Path, long: bool) -> list[str]:
    """What the commands of a page do that the page does not show, each with the line of its block."""
    name = page.relative_to(ROOT)
    found = []
    for block in blocks(page):
        if block.kind == "run" and any(NEEDS_A_MARK.search(step.command) for step in block.steps):
            found.append(
                f"{name}:{block.line}: runs make, docker or the like: mark it as long, or say why it is skipped"
            )
        elif block.kind == "run" or (block.kind == "long" and long):
            found += [f"{name}:{block.line}: {problem}" for problem in run(block, folder)]
    return found


def run(block: Block, folder: Path) -> list[str]:
    """What is wrong with each step of the block, whose steps run in one shell."""
    begin = "exec 2>&1 </dev/null\n" + ("set -e\n" if block.steps[0].output is None else "")
    script = begin + "\n".join(f"{step.command}\ncode=$?; echo; echo {BETWEEN} $code" for step in block.steps)
    limit = LONG_SECONDS if block.kind == "long" else SHORT_SECONDS
    text, last = _in_bash(script, folder, limit)
    pieces = text.split(BETWEEN)
    found = []
    for number, step in enumerate(block.steps[: len(pieces)]):
        printed = pieces[number].split("\n")[1 if number else 0 :]
        code = int(pieces[number + 1].split("\n")[0]) if number + 1 < len(pieces) else last
        found += _wrong(step, printed, code)
    return found


def _in_bash(script: str, folder: Path, limit: float) -> tuple[str, int]:
    """What the script prints, and its exit code; it ends at the limit, in seconds, with all that it started."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = subprocess.Popen(
        ["bash", "-c", script],
        cwd=folder,
        env=os.environ | NO_ACCOUNT | {"PATH": path, "COLUMNS": "80"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        text, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        text, _ = process.communicate()
        return f"{text}\nended after {limit} s: mark the block as long", 124
    return text, process.returncode


def _wrong(step: Step, printed: list[str], code: int) -> list[str]:
    text = "\n".join(printed).strip()
    if (code != 0) != fails(step):
        return [f"`{step.command}` exits with {code} and prints:\n{text}"]
    if step.output is not None and not matches(step.output, printed):
        shown = "\n".join(step.output)
        return [f"`{step.command}` does not print what is shown.\n--- shown\n{shown}\n--- printed\n{text}"]
    return []
