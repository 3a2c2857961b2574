"""The origin of a commit."""

from __future__ import annotations

import json

import click
import pytest

from common import __version__
from common.lake.commits import origin


@click.command()
@click.option("--mini-batch-id")
def stage(mini_batch_id: str | None) -> None:
    click.echo(origin())


def test_the_origin_names_command_release_and_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NDR_RUN_ID", "run-1")
    with click.Context(stage, info_name="ndr-delta"):
        assert json.loads(origin()) == {"command": "ndr-delta", "release": __version__, "run_id": "run-1"}


def test_the_mini_batch_is_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NDR_RUN_ID", "run-1")
    with stage.make_context("ndr-delta", ["--mini-batch-id", "batch-7"]):
        assert json.loads(origin())["run_id"] == "batch-7"


def test_a_script_has_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NDR_RUN_ID", raising=False)
    assert json.loads(origin()) == {"command": None, "release": __version__, "run_id": None}
