"""The wheel, installed alone, holds every command and every file that they read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

from common import __version__
from statemachines.deploy.code import build_wheel
from tests.checkout import ROOT

pytestmark = pytest.mark.slow

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PACKAGES = ("common", "jobs", "localaws", "pipelines", "statemachines", "tools")

EACH_COMMAND = """
import sys
from importlib.metadata import entry_points
from click.testing import CliRunner

for name in sys.argv[1:]:
    (entry,) = entry_points(group="console_scripts", name=name)
    command = entry.load()
    assert "site-packages" in sys.modules[entry.module].__file__, sys.modules[entry.module].__file__
    for option in ("--version", "--help"):
        result = CliRunner().invoke(command, [option], prog_name=name)
        print(name, option, result.exit_code, result.output.splitlines()[0])
"""
EACH_FILE = """
from common.features.spec import load_spec
from common.contracts import tables
from pipelines import definitions
from statemachines.definitions import MACHINES, definition_of
from statemachines.deploy.parts import TEMPLATES

print(len(tables(load_spec("v1"))), "tables")
print(len([definition_of(machine)["StartAt"] for machine in MACHINES]), "state machines")
print(len([definitions.load(name)["Steps"] for name in definitions.names()]), "pipelines")
print(all("AWSTemplateFormatVersion" in path.read_text() for path in TEMPLATES.values()))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment that holds the wheel, and sees this one's dependencies but not the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    wheel = build_wheel(folder)
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder / "venv"], check=True)
    installed = folder / "venv" / "bin" / "python"
    subprocess.run([uv, "pip", "install", "-q", "--no-deps", "--python", installed, wheel], check=True)
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    # a folder named in a .pth file is searched, but its own .pth files, among them that of the sources, are not read
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    shutil.rmtree(folder / "source")
    return installed


def run(python: Path, program: str, *arguments: str) -> list[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    done = subprocess.run(
        [python, "-c", program, *arguments], cwd=python.parent, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_every_command_shows_its_version_and_its_help(python: Path) -> None:
    names = list(PROJECT["scripts"])
    assert all((python.parent / name).exists() for name in names)
    expected = [
        line
        for name in names
        for line in (f"{name} --version 0 {name} {__version__}", f"{name} --help 0 Usage: {name} [OPTIONS]")
    ]
    found = run(python, EACH_COMMAND, *names)
    assert [line[: len(start)] for line, start in zip(found, expected, strict=True)] == expected


def test_definitions_and_template_are_there(python: Path) -> None:
    definitions = len(list((ROOT / "pipelines" / "definitions").glob("*.json")))
    machines = len(list((ROOT / "statemachines").glob("*.asl.json")))
    tables, *rest = run(python, EACH_FILE)
    assert int(tables.split()[0]) > 10
    assert rest == [f"{machines} state machines", f"{definitions} pipelines", "True"]


def test_every_package_is_typed(python: Path) -> None:
    (site,) = python.parents[1].glob("lib/python*/site-packages")
    assert [package for package in PACKAGES if not (site / package / "py.typed").exists()] == []


def test_what_needs_a_checkout_says_so(python: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [python.parent / "ndr-local", "up", "--home", tmp_path, "--port", "45999"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "runs from a checkout of the repository only" in done.stderr
