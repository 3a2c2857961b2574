"""NDR needs nothing of Customer 360: it works where the folders and libraries of that family are missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import ROOT

pytestmark = pytest.mark.slow

PACKAGES = ("common", "jobs", "localaws", "pipelines", "statemachines", "tools")
OF_THE_FAMILY = "c360*"
SCRIPTS: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
OF_NDR = {name: target for name, target in SCRIPTS.items() if name.startswith("ndr-")}
PROGRAM = """
import json, pkgutil, sys
from importlib import import_module
from click.testing import CliRunner

sys.modules |= dict.fromkeys(("phonenumbers", "pycountry", "fakesnow", "snowflake"))  # whose import fails then
import common

codes = {}
for name, target in json.loads(sys.argv[1]).items():
    module, function = target.split(":")
    codes[name] = CliRunner().invoke(getattr(import_module(module), function), ["--help"]).exit_code
modules = []
for package in ("common", "jobs", "statemachines", "tools"):
    modules += [name for _, name, _ in pkgutil.walk_packages(import_module(package).__path__, f"{package}.")]
for name in modules:
    import_module(name)
from common.runtime.catalog import STAGES, TOOLS
family = [tool.command for tool in (*STAGES, *TOOLS) if tool.command.startswith("ndr-")]
print(json.dumps({"common": common.__file__, "codes": codes, "modules": modules, "catalog": family}))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process says in which only a copy without the family can be imported.

    Without the site's own start (`-S`), nothing leads it to the sources that the environment has installed.
    """
    folder = tmp_path_factory.mktemp("ndr")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", OF_THE_FAMILY))
    done = subprocess.run(
        [sys.executable, "-S", "-c", PROGRAM, json.dumps(OF_NDR)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{folder}:{sysconfig.get_path('purelib')}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert Path(said["common"]).parent == folder / "common"
    return said


def test_each_command_has_help(found: dict[str, Any]) -> None:
    assert found["codes"] == dict.fromkeys(OF_NDR, 0)


def test_each_module_is_importable(found: dict[str, Any]) -> None:
    assert {"common.ndjson.lines", "jobs.join.job", "common.cases.customers"} <= set(found["modules"])
    assert [name for name in found["modules"] if "c360" in name] == []


def test_the_catalog_holds_its_stages_and_tools(found: dict[str, Any]) -> None:
    targets = {name for name, target in OF_NDR.items() if target.startswith(("jobs.", "tools."))}
    assert set(found["catalog"]) == targets
