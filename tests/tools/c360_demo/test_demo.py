"""The demo on the local AWS: it comes to the truth, a second run changes nothing, and the README goes on from there."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.commands import command_line
from tests.docs.blocks import Block, blocks, matches
from tests.docs.pages import run as run_block
from tests.localaws.running import free_port
from tools.c360_demo.job import query, run

pytestmark = pytest.mark.slow
DAYS, CUSTOMERS = 2, 100
NAME = f"{DAYS}-{CUSTOMERS}"
KEYS = {
    "dim_customer": ("customer_id", "valid_from"),
    "fact_activity": ("event_id", "customer_id"),
    "customer_360": ("customer_id", "plan_id"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    found = tmp_path_factory.mktemp("c360")
    yield found
    subprocess.run(command_line("ndr-local", "down", "--home", found / "demo/c360/aws"), check=False)


@pytest.fixture(scope="module")
def said(folder: Path) -> list[str]:
    """What the demo says."""
    return demo(folder, free_port())


def demo(folder: Path, port: int | None = None) -> list[str]:
    said: list[str] = []
    run(folder / "demo/c360", DAYS, CUSTOMERS, port, said.append)
    return said


def block(reason: str) -> Block:
    """The block of the README of which this is said."""
    (found,) = (block for block in blocks(ROOT / "README.md") if block.reason == f"tests/tools/c360_demo {reason}")
    return found


@pytest.mark.parametrize("table", KEYS)
def test_the_warehouse_is_the_truth(table: str, folder: Path, said: list[str]) -> None:
    rows = query(folder / f"demo/c360/warehouse-{NAME}", f"SELECT {', '.join(KEYS[table])} FROM {table}")
    truth = (folder / f"demo/c360/scenario-{NAME}/truth/{table}.ndjson").read_text().splitlines()
    expected = [tuple(json.loads(line)[name] for name in KEYS[table]) for line in truth]
    assert sorted(tuple(row.values()) for row in rows) == sorted(expected)


def test_it_says_what_the_readme_shows(said: list[str]) -> None:
    (step,) = block("compares it").steps
    assert step.command == f"c360-demo --days {DAYS} --customers {CUSTOMERS}"
    assert step.output and matches(step.output, "\n".join(said).splitlines())


def test_a_second_run_changes_nothing_and_says_so(folder: Path, said: list[str]) -> None:
    assert demo(folder) == [*said, "nothing changed in the warehouse"]


@pytest.mark.skipif(shutil.which("aws") is None, reason="the session uploads with the AWS CLI")
def test_the_session_of_the_readme_goes_on_from_there(folder: Path, said: list[str]) -> None:
    session = block("runs it")
    assert run_block(replace(session, kind="long"), folder) == []
