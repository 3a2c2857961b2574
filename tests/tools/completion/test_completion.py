"""Completion as a shell asks for it: of names, subcommands, values and paths."""

from __future__ import annotations

import os
import subprocess

import pytest
from click.testing import CliRunner

from common.runtime.programs import scripts_folder
from docs.generate.commands import commands
from tests.commands import call
from tools.completion.cli import main
from tools.completion.script import SHELLS

PATH = f"{scripts_folder()}{os.pathsep}{os.environ['PATH']}"


def asked(line: str) -> list[str]:
    """What click answers a shell for the last word of a line."""
    words = line.split(" ")
    name = words[0]
    asks = {
        f"_{name}_COMPLETE".upper().replace("-", "_"): "bash_complete",
        "COMP_WORDS": "\n".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    return CliRunner().invoke(commands()[name][1], prog_name=name, env=asks).stdout.split()


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("ndr-fg-c --wi", ["plain,--window"]),
        ("ndr-fg-c --engine s", ["plain,sail", "plain,spark"]),
        ("ndr-fg-c --lake ./la", ["dir,./la"]),
        ("ndr-delta --input ./lo", ["file,./lo"]),
        ("ndr-local exe", ["plain,executions"]),
        ("ndr-local executions --format nd", ["plain,ndjson"]),
        ("ndr-if-training --stage ver", ["plain,verify"]),
        ("ndr-completion ", [f"plain,{shell}" for shell in SHELLS]),
    ],
)
def test_answers(line: str, answer: list[str]) -> None:
    assert asked(line) == answer


def test_bash_completes_with_the_script() -> None:
    lines = (
        "source <(ndr-completion bash)",
        "COMP_WORDS=(ndr-features --feat); COMP_CWORD=1",
        "$(complete -p ndr-features | sed 's/.*-F \\([^ ]*\\) .*/\\1/') ndr-features",
        'echo "${COMPREPLY[@]}"',
    )
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)], env=os.environ | {"PATH": PATH}, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("--feature-spec-version\n", "")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_that_of_click_for_every_command(shell: str) -> None:
    code, text, _ = call(main, shell)
    assert code == 0
    for name in commands():
        assert f"_{name}_COMPLETE={shell}_complete".upper().replace("-", "_") in text.upper().replace("-", "_"), name


def test_bash_takes_the_script() -> None:
    text = call(main, "bash")[1]
    assert subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True).stderr == ""
