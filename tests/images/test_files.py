"""What images are made of fits together; needs no engine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from common.runtime.catalog import STAGES
from tests.checkout import ROOT

REQUIREMENTS = ROOT / "requirements"
CHAIN = ("core", "sail", "training")  # each layer adds to the one before


def pins(name: str) -> dict[str, str]:
    """The versions of a lock file, without those for other releases of Python."""
    found = re.findall(r"^([a-z0-9-]+)==([^ ]+)(?: ; (.*?))? \\$", (REQUIREMENTS / name).read_text(), re.M)
    return {package: version for package, version, marker in found if "python_full_version >=" not in marker}


@pytest.mark.parametrize("name", [*CHAIN, "serve", "spark"])
def test_images_hold_the_versions_that_are_tested(name: str) -> None:
    tested = {**pins("spark.txt"), **pins("dev.txt")}
    held = pins(f"image-{name}.txt")
    assert held
    assert {package: tested.get(package) for package in held} == held


@pytest.mark.parametrize(("lower", "upper"), [*pairwise(CHAIN), ("core", "serve"), ("core", "spark")])
def test_a_layer_keeps_what_is_below_it(lower: str, upper: str) -> None:
    assert pins(f"image-{lower}.txt").items() <= pins(f"image-{upper}.txt").items()


@pytest.mark.parametrize("library", ["scikit-learn", "scipy", "joblib"])
def test_no_sail_image_but_that_of_training_has_the_libraries_of_training(library: str) -> None:
    assert library not in pins("image-sail.txt")
    assert library in pins("image-training.txt")


def test_jars_are_locked_by_digest_and_without_the_bundle() -> None:
    lines = (REQUIREMENTS / "image-jars.txt").read_text().splitlines()
    assert all(re.fullmatch(r"[0-9a-f]{64}  \S+\.jar", line) for line in lines)
    assert not [line for line in lines if "/bundle/" in line]
    assert [line for line in lines if "/delta-spark_" in line]


def test_images_know_the_services_that_stages_call() -> None:
    sources = [path.read_text() for folder in ("common", "jobs") for path in (ROOT / folder).rglob("*.py")]
    called = {name for text in sources for name in re.findall(r"\bclient\(\"([a-z0-9-]+)\"", text)}
    kept = re.search(r'AWS_SERVICES="([^"]*)"', (ROOT / "images" / "base" / "install.sh").read_text())
    assert kept
    assert called
    assert called <= set(kept[1].split())


def test_images_get_the_commands_whose_code_they_hold(tmp_path: Path) -> None:
    """Dockerfile of the project: common, jobs, and those tools that are stages are copied."""
    for folder in ("common", "jobs", "tools/page", "tools/alerts"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    made = [sys.executable, str(ROOT / "images/project/commands.py"), str(ROOT / "pyproject.toml"), "bin"]
    subprocess.run(made, cwd=tmp_path, check=True)
    assert {path.name for path in (tmp_path / "bin").iterdir()} == {"ndr-spark", *(stage.command for stage in STAGES)}
