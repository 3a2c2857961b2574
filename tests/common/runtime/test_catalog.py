"""Each stage of the catalog stands wherever stages are listed, and nothing else does."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.runtime.catalog import STAGES, TOOLS, Stage
from pipelines.catalog import PIPELINES
from tests.checkout import ROOT

VARIABLES = {
    "base-core": "ON_CORE",
    "base-page": "ON_PAGE",
    "base-c360": "ON_C360",
    "base-warehouse": "ON_WAREHOUSE",
    "base-serve": "ON_SERVE",
    "base": "ON_SAIL",
    "base-training": "ON_TRAINING",
}


def bake_list(variable: str) -> list[str]:
    """The images that a variable of the bake file lists."""
    text = (ROOT / "docker-bake.hcl").read_text()
    found = re.search(rf'variable "{variable}" \{{.*?default\s*= (\[.*?\])', text, re.S)
    assert found, f"docker-bake.hcl has no variable {variable}"
    return re.findall(r'"([^"]+)"', found[1])


def scripts() -> dict[str, str]:
    """The commands that pyproject.toml declares, with the function of each."""
    declared: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    return declared


def commands_in_readme() -> list[str]:
    """The commands that a table of the README has a row of."""
    return re.findall(r"^\| `((?:ndr|c360)-[a-z0-9-]+)` \|", (ROOT / "README.md").read_text(), re.M)


def missing(stage: Stage) -> Iterator[str]:
    """What the stage lacks, and where."""
    folder = stage.module.replace(".", "/")
    for name in ("__init__.py", "cli.py", "job.py", "README.md"):
        if not (ROOT / folder / name).exists():
            yield f"{folder}/{name} does not exist"
    if scripts().get(stage.command) != f"{stage.module}.cli:main":
        yield f'pyproject.toml, [project.scripts], lacks {stage.command} = "{stage.module}.cli:main"'
    if stage.command not in bake_list(VARIABLES[stage.base]):
        yield f"docker-bake.hcl: {VARIABLES[stage.base]} lacks {stage.command}"
    yield from missing_in_dockerfile(stage, folder)
    if stage.is_step and stage.command not in {
        step.command for pipeline in PIPELINES.values() for step in pipeline.steps
    }:
        yield f"pipelines/catalog.py: no step runs {stage.command}"
    if stage.command not in commands_in_readme():
        yield f"README.md: no table has a row of `{stage.command}`"


def missing_in_dockerfile(stage: Stage, folder: str) -> Iterator[str]:
    path = Path("images") / stage.command / "Dockerfile"
    lines = (ROOT / path).read_text().splitlines() if (ROOT / path).exists() else []
    for line in (
        f"FROM {stage.base}",
        f"COPY --from=project /opt/ndr/bin/{stage.command} /opt/venv/bin/",
        f"COPY --from=project /opt/ndr/{folder} /opt/ndr/{folder}",
        f'ENTRYPOINT ["{stage.command}"]',
    ):
        if line not in lines:
            yield f"{path} lacks the line {line}"


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.command)
def test_each_stage_stands_wherever_stages_are_listed(stage: Stage) -> None:
    assert "\n".join(missing(stage)) == ""


def test_what_a_forgotten_stage_lacks_is_named() -> None:
    assert list(missing(Stage("ndr-forgotten", "jobs.forgotten", "nothing", "base-training"))) == [
        "jobs/forgotten/__init__.py does not exist",
        "jobs/forgotten/cli.py does not exist",
        "jobs/forgotten/job.py does not exist",
        "jobs/forgotten/README.md does not exist",
        'pyproject.toml, [project.scripts], lacks ndr-forgotten = "jobs.forgotten.cli:main"',
        "docker-bake.hcl: ON_TRAINING lacks ndr-forgotten",
        "images/ndr-forgotten/Dockerfile lacks the line FROM base-training",
        "images/ndr-forgotten/Dockerfile lacks the line COPY --from=project /opt/ndr/bin/ndr-forgotten /opt/venv/bin/",
        "images/ndr-forgotten/Dockerfile lacks the line COPY --from=project /opt/ndr/jobs/forgotten "
        "/opt/ndr/jobs/forgotten",
        'images/ndr-forgotten/Dockerfile lacks the line ENTRYPOINT ["ndr-forgotten"]',
        "pipelines/catalog.py: no step runs ndr-forgotten",
        "README.md: no table has a row of `ndr-forgotten`",
    ]


def test_nothing_is_listed_that_the_catalog_does_not_hold() -> None:
    stages = {stage.command for stage in STAGES}
    folders = {path.parent.name for path in (ROOT / "jobs").glob("*/cli.py")}
    images = {path.parent.name for path in (ROOT / "images").glob("*-*/Dockerfile")}
    assert {name for variable in VARIABLES.values() for name in bake_list(variable)} == stages
    assert {name for name in images if not name.startswith("base-")} == {*stages, "ndr-spark"}
    of_jobs = {stage.command: stage.module for stage in STAGES if stage.module.startswith("jobs.")}
    assert folders == {module.removeprefix("jobs.") for module in of_jobs.values()}
    assert {name for name, target in scripts().items() if target.startswith("jobs.")} == set(of_jobs)
    assert {step.command for pipeline in PIPELINES.values() for step in pipeline.steps} == {
        stage.command for stage in STAGES if stage.is_step
    }


def test_tools_have_their_scripts_and_no_image() -> None:
    declared = {name: target for name, target in scripts().items() if target.startswith("tools.")}
    stages = {stage.command: stage.module for stage in STAGES if stage.module.startswith("tools.")}
    assert declared == {
        command: f"{module}.cli:main"
        for command, module in {**{tool.command: tool.module for tool in TOOLS}, **stages}.items()
    }
    assert not [tool.command for tool in TOOLS if (ROOT / "images" / tool.command).exists()]


def test_dockerfiles_of_stages_are_thin() -> None:
    lines = {stage.command: (ROOT / "images" / stage.command / "Dockerfile").read_text().splitlines()
             for stage in STAGES}  # fmt: skip
    assert {command: found for command, found in lines.items() if len(found) > 10} == {}
