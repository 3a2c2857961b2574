"""What images are made of fits together; needs no engine."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from common.runtime.catalog import STAGES, Stage

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements"
CHAIN = ("core", "sail", "ml", "training")  # each layer adds to the one before


def pins(name: str) -> dict[str, str]:
    """The versions of a lock file, without those for other releases of Python."""
    found = re.findall(r"^([a-z0-9-]+)==([^ ]+)(?: ; (.*?))? \\$", (REQUIREMENTS / name).read_text(), re.M)
    return {package: version for package, version, marker in found if "python_full_version >=" not in marker}


@pytest.mark.parametrize("name", [*CHAIN, "spark"])
def test_images_hold_the_versions_that_are_tested(name: str) -> None:
    tested = {**pins("spark.txt"), **pins("dev.txt")}
    held = pins(f"image-{name}.txt")
    assert held
    assert {package: tested.get(package) for package in held} == held


@pytest.mark.parametrize(("lower", "upper"), [*pairwise(CHAIN), ("core", "spark")])
def test_a_layer_keeps_what_is_below_it(lower: str, upper: str) -> None:
    assert pins(f"image-{lower}.txt").items() <= pins(f"image-{upper}.txt").items()


def test_no_image_but_those_of_ml_has_scikit_learn() -> None:
    assert "scikit-learn" not in pins("image-sail.txt")
    assert "scikit-learn" in pins("image-ml.txt")


def test_jars_are_locked_by_digest_and_without_the_bundle() -> None:
    lines = (REQUIREMENTS / "image-jars.txt").read_text().splitlines()
    assert all(re.fullmatch(r"[0-9a-f]{64}  \S+\.jar", line) for line in lines)
    assert not [line for line in lines if "/bundle/" in line]
    assert [line for line in lines if "/delta-spark_" in line]


def test_pipelines_name_each_stage_of_the_bake_file() -> None:
    lists = re.findall(r'variable "ON_[A-Z]+" \{.*?default\s*= (\[.*?\])', (ROOT / "docker-bake.hcl").read_text(), re.S)
    built = {name for names in lists for name in re.findall(r'"([^"]+)"', names)}
    definitions = (ROOT / "pipelines" / "definitions").glob("*.json")
    named = {name for path in definitions for name in re.findall(r'"/([^":]+):"', path.read_text())}
    assert named == built == {stage.command for stage in STAGES}


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.command)
def test_each_stage_has_a_thin_dockerfile(stage: Stage) -> None:
    lines = (ROOT / "images" / stage.command / "Dockerfile").read_text().splitlines()
    folder = stage.module.replace(".", "/")
    assert re.fullmatch(r"FROM base(-ml|-training)?", lines[0])
    assert f"COPY --from=project /opt/ndr/{folder} /opt/ndr/{folder}" in lines
    assert lines[-1] == f'ENTRYPOINT ["{stage.command}"]'
    assert len(lines) < 10


def test_images_know_the_services_that_stages_call() -> None:
    sources = [path.read_text() for folder in ("common", "jobs") for path in (ROOT / folder).rglob("*.py")]
    called = {name for text in sources for name in re.findall(r"\bclient\(\"([a-z0-9-]+)\"", text)}
    kept = re.search(r'AWS_SERVICES="([^"]*)"', (ROOT / "images" / "base" / "install.sh").read_text())
    assert kept
    assert called
    assert called <= set(kept[1].split())
