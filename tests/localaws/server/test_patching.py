"""The check of ministack's private names: complete, and clear about what is missing."""

from __future__ import annotations

import ast
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws.cli.process import REPOSITORY, interpreter
from localaws.server.ministack_names import PRIVATE_NAMES

LOCALAWS = REPOSITORY / "localaws"


def check_after(change: str) -> subprocess.CompletedProcess[str]:
    """The check, in the environment of ministack, after a change of ministack."""
    script = "\n".join(
        [
            "from ministack.services import stepfunctions as sf",
            change,
            "from localaws.server import patching",
            "patching.check()",
        ]
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(
        [str(interpreter()), "-c", script], capture_output=True, text=True, env=environment, check=False
    )


def test_the_installed_ministack_passes() -> None:
    found = check_after("pass")
    assert found.returncode == 0, found.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("del sf._run_sub_machine", "ministack.services.stepfunctions._run_sub_machine is missing"),
        ("del sf._executions", "ministack.services.stepfunctions._executions is missing"),
        (
            "sf._start_execution = lambda data, context: None",
            "ministack.services.stepfunctions._start_execution takes (data, context), not (data)",
        ),
        (
            "import jsonata.tokenizer; del jsonata.tokenizer.Tokenizer.create",
            "jsonata.tokenizer.Tokenizer.create is missing",
        ),
    ],
)
def test_what_is_missing_or_changed_is_named(change: str, message: str) -> None:
    found = check_after(change)
    assert found.returncode == 1
    assert message in found.stderr
    assert "ministack 1.5.33 differs from the supported version 1.5.33" in found.stderr


def _modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in LOCALAWS.rglob("*.py"):
        yield path, ast.parse(path.read_text())


def _used() -> Iterator[tuple[Path, str, str]]:
    """Every name of ministack and its JSONata that a module uses: (file, module, name)."""
    for path, tree in _modules():
        aliases = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("ministack", "jsonata"):
                for name in node.names:
                    module = f"{node.module}.{name.name}"
                    if module in PRIVATE_NAMES:
                        aliases[name.asname or name.name] = module
                    else:
                        yield path, str(node.module), name.name
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
                yield path, aliases[node.value.id], node.attr


def test_every_used_name_is_declared() -> None:
    used = list(_used())
    assert len(used) > 100
    undeclared = {(path.name, f"{module}.{name}") for path, module, name in used if name not in PRIVATE_NAMES[module]}
    assert undeclared == set()
