"""The allocators of commands."""

from __future__ import annotations

import os
import subprocess
import sys

SAID = "import sys; sys.argv[0] = 'ndr-15m'; import common, pyarrow; print(pyarrow.default_memory_pool().backend_name)"


def pool(**variables: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}
    found = subprocess.run(
        [sys.executable, "-c", SAID], env=environment | variables, capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


def test_a_command_lets_arrow_use_malloc() -> None:
    assert pool() == "system"


def test_another_pool_may_be_chosen() -> None:
    assert pool(ARROW_DEFAULT_MEMORY_POOL="mimalloc") == "mimalloc"
