"""The example of a command as its image shows it."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from common.runtime.entrypoint import docker_example


@pytest.mark.parametrize(
    ("example", "shown"),
    [
        ("ndr-x --lake demo/lake", '-v "$PWD/demo/lake:/demo/lake" ndr-x --lake /demo/lake'),
        ("ndr-x --parameters ./a.yaml", '-v "$PWD/a.yaml:/a.yaml" ndr-x --parameters /a.yaml'),
        ("ndr-x --a b/c --d b/c", '-v "$PWD/b/c:/b/c" ndr-x --a /b/c --d /b/c'),
        (
            "ndr-x --window 2026-03-03T00:08Z/2026-03-04T00:08Z --lake s3://bucket/lake --to demo/x",
            '-v "$PWD/demo/x:/demo/x" ndr-x --window 2026-03-03T00:08Z/2026-03-04T00:08Z --lake s3://bucket/lake '
            "--to /demo/x",
        ),
    ],
)
def test_relative_paths_are_mounted(example: str, shown: str) -> None:
    assert docker_example(f"Example: {example}", own_user=False) == f"\b\nExample:\n  docker run --rm {shown}"


def test_files_belong_to_who_types_it() -> None:
    assert 'docker run --rm --user "$(id -u):$(id -g)" -v ' in docker_example(
        "Example: ndr-x --lake a/b", own_user=True
    )


def test_the_example_is_shown_in_one_line() -> None:
    @click.command(
        epilog=docker_example("Example: ndr-fg-c --window 2026-03-10T13:08Z --lake ./lake " + "-" * 80, own_user=False)
    )
    def command() -> None: ...

    shown = CliRunner().invoke(command, ["--help"]).output
    assert f"--lake /lake {'-' * 80}\n" in shown
