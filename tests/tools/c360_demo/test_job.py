"""What the demo says of commands that fail, and refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from common.errors import StageError
from tools.c360_demo.cli import main
from tools.c360_demo.job import command


def test_a_command_that_fails_is_named_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"c360-simulate --out failed: .*days.*Correct the cause"):
        command("c360-simulate", "--out", str(tmp_path / "out"), "--days", "0")


@pytest.mark.parametrize("given", [("--days", "0"), ("--customers", "99"), ("--port", "0")])
def test_what_cannot_be_simulated_is_a_usage_error(given: tuple[str, str]) -> None:
    assert CliRunner().invoke(main, given).exit_code == 2
