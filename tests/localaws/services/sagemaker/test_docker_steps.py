"""Steps as images, in a real Docker."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws.cli.process import LocalAws
from tests.localaws.running import unique, wait_for
from tests.localaws.services.sagemaker.pipelines import create, definition, finish, run, step

pytestmark = pytest.mark.skipif(
    not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0,
    reason="needs a running Docker",
)


def docker(*arguments: str, **options: Any) -> str:
    done: subprocess.CompletedProcess[bytes] = subprocess.run(
        ["docker", *arguments], capture_output=True, check=True, **options
    )
    return done.stdout.decode().strip()


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """An image that holds this machine's shell and nothing else, under the name of a stage."""
    shell = Path(shutil.which("dash") or "/bin/sh").resolve()
    libraries = re.findall(r"(/\S+)", subprocess.run(["ldd", shell], capture_output=True, text=True, check=True).stdout)
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.add(shell, "bin/ndr-probe")
        for library in libraries:
            archive.add(Path(library).resolve(), library.lstrip("/"))
    name = f"{unique('registry.local/test')}/ndr-probe:1"
    docker("import", "-", name, input=content.getvalue())
    yield name
    docker("rmi", "-f", name)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def local(start_local_aws: Any, shared: Path) -> LocalAws:
    started: LocalAws = start_local_aws(NDR_STEPS="docker", NDR_STEP_MOUNTS=str(shared))
    return started


def probe(image: str, script: str, **members: Any) -> dict[str, Any]:
    """A step that runs a script in the image, whose command it is."""
    item = step("A", "ndr-probe", "-c", script, **members)
    item["Arguments"]["AppSpecification"]["ImageUri"] = image
    return item


def test_a_step_runs_its_image(local: LocalAws, image: str, shared: Path) -> None:
    script = f'echo "$AWS_ENDPOINT_URL $NDR_MINE" > {shared}/seen; echo out'
    done = run(local, definition(probe(image, script, Environment={"NDR_MINE": "yes"})))
    assert done["PipelineExecutionStatus"] == "Succeeded", done["Steps"]
    assert (shared / "seen").read_text() == f"{local.endpoint} yes\n"


def test_a_failed_image_says_why(local: LocalAws, image: str) -> None:
    done = run(local, definition(probe(image, "echo 'error: no lake' >&2; exit 4")))
    assert done["Steps"]["A"]["FailureReason"] == "AlgorithmError: error: no lake, exit code: 4"


def test_a_missing_image_fails_the_step(local: LocalAws) -> None:
    done = run(local, definition(probe("127.0.0.1:9/ndr-probe:1", "true")))
    assert done["PipelineExecutionStatus"] == "Failed"
    assert "AlgorithmError" in done["Steps"]["A"]["FailureReason"]


def test_stopping_removes_the_container(local: LocalAws, image: str, shared: Path) -> None:
    name = create(local, definition(probe(image, f"echo > {shared}/started; while :; do :; done")))
    client = local.client("sagemaker")
    arn = client.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    wait_for((shared / "started").exists)
    identifier = arn.rpartition("/")[2]
    wait_for(lambda: identifier in docker("ps", "--format", "{{.Names}}"))
    client.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="t" * 32)
    assert finish(local, arn)["PipelineExecutionStatus"] == "Stopped"
    wait_for(lambda: identifier not in docker("ps", "-a", "--format", "{{.Names}}"))
