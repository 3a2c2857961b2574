"""`ndr-settings`: what it prints of a right file, and what of a wrong one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.checkout import ROOT
from tools.settings.cli import main

PROJECT = """\
project_name: demo
organisations: [acme/hq]
settings:
  time_zone: UTC
  working_hours: [8, 18]
  training: {min_coverage: 0.9, endpoint: {name: n, image: i, role_arn: 'arn:aws:iam::123456789012:role/r'}}
  redshift: {database: d, iam_role_arn: default, workgroup_name: w, schema: cmdb}
orchestration: {lake_uri: /lake, ingestion_prefix: s3://inbox/acme/hq/, poll_seconds: 30}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "project.yaml"
    found.write_text(PROJECT)
    return found


def check(path: Path, *options: str) -> Any:
    return CliRunner().invoke(main, ["check", str(path), *options])


def test_what_differs_from_the_defaults_is_printed(path: Path) -> None:
    done = check(path, "--format", "json")
    assert done.exit_code == 0
    assert {row["setting"]: (row["value"], row["default"]) for row in json.loads(done.stdout)} == {
        "project_name": ("demo", None),
        "organisations": (["acme/hq"], None),
        "orchestration.lake_uri": ("/lake", None),
        "orchestration.ingestion_prefix": ("s3://inbox/acme/hq", None),
        "settings.working_hours": ([8, 18], [7, 17]),
        "settings.training.min_coverage": (0.9, 0.8),
        "settings.training.endpoint.name": ("n", None),
        "settings.training.endpoint.image": ("i", None),
        "settings.training.endpoint.role_arn": ("arn:aws:iam::123456789012:role/r", None),
        "settings.redshift.database": ("d", None),
        "settings.redshift.iam_role_arn": ("default", None),
        "settings.redshift.workgroup_name": ("w", None),
        "settings.redshift.schema": ("cmdb", "public"),
    }
    assert done.stderr == f"{path}: a project file, valid; settings that differ from the defaults: 13\n"


def test_project_parameters_are_told_from_project_files(path: Path) -> None:
    path.write_text("time_zone: Asia/Tokyo\n")
    done = check(path, "--format", "ndjson")
    assert json.loads(done.stdout) == {"setting": "time_zone", "value": "Asia/Tokyo", "default": "UTC"}
    assert "project parameters, valid" in done.stderr
    path.write_text("")
    assert check(path).exit_code == 0


def test_mistakes_are_printed_one_a_line_and_harmless(path: Path) -> None:
    path.write_text(PROJECT.replace("time_zone: UTC", 'time_zone: "\\e[2J\\nerror: all is well"\n  "a\\nb\\u202e": 1'))
    done = check(path)
    assert done.exit_code == 1
    assert done.stdout == ""
    first, *each = done.stderr.splitlines()
    assert first == f"error: {path} has 2 mistakes:"
    value, name = r'"\u001b[2J\nerror: all is well"', r'settings["a\nb\u202e"]'
    assert each[0] == f"  {path}:4:3: settings.time_zone is {value}. Give an IANA time zone like Europe/Berlin"
    assert each[1].startswith(f"  {path}:5:3: {name} is unknown. Known here: ")
    assert each[1].isprintable()


def test_a_missing_file_is_one_error(tmp_path: Path) -> None:
    done = check(tmp_path / "no.yaml")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "no.yaml cannot be read" in done.stderr


@pytest.mark.parametrize(("arguments", "name"), [((), "project"), (("project",), "project"), (("parameters",),) * 2])
def test_the_schema_is_the_one_of_the_documentation(arguments: tuple[str, ...], name: str | tuple[str]) -> None:
    done = CliRunner().invoke(main, ["schema", *arguments])
    kind = name if isinstance(name, str) else name[0]
    assert done.stdout == (ROOT / "docs" / "reference" / f"{kind}.schema.json").read_text(encoding="utf-8")


def test_help_does_not_load_the_models() -> None:
    code = "import sys; import tools.settings.cli, common.config.sources; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
