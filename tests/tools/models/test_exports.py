"""A model that is exported twice has one version, with what was decided about it since."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from common.detection.registry.formats import encoded
from common.detection.registry.pointer import model_store
from localaws.cli.process import LocalAws
from tests.common.detection.model_lake import make_lake, train_model
from tests.localaws.running import unique
from tools.models.cli import main

pytestmark = pytest.mark.slow

Document = dict[str, Any]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A lake with two promoted models, and their runs, the older one first."""
    lake = make_lake(tmp_path_factory.mktemp("models"))
    runs = [train_model(lake, state)["run_id"] for state in (1, 2)]
    gate = {"name": "alert_share", "value": 0.25, "bound": "<= 0.3", "verdict": "passed", "reason": ""}
    for run in runs:
        model_store(str(lake), "local").write(f"{run}/deployment.json", encoded({"go": True, "gates": [gate]}))
    return lake, runs


def call(lake: str | Path, *arguments: str, code: int = 0) -> Document:
    result = CliRunner().invoke(main, [*arguments, "--lake", str(lake)])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout) if code == 0 else {"error": result.stderr}


def test_mlflow_gets_a_run_and_a_version_that_follow_the_decisions(
    trained: tuple[Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MLFLOW_DISABLE_TELEMETRY", "MLFLOW_ALLOW_FILE_STORE"):
        monkeypatch.setenv(name, "true")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    lake, runs = shutil.copytree(trained[0], tmp_path / "lake"), trained[1]
    uri = f"file://{tmp_path}/mlruns"
    to = ("--to", f"mlflow:{uri}", "--experiment", "office")
    older, newer = (call(lake, "export", run, *to) for run in runs)
    assert (older["version"], newer["version"]) == (1, 2)
    assert call(lake, "export", "current", *to) == newer
    assert not list(Path().iterdir())
    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri, uri)
    assert client.get_registered_model("ndr-local").aliases == {"current": "2", "previous": "1"}
    call(lake, "rollback", "--reason", "too many alerts", "--by", "jane")
    again = call(lake, "export", runs[1], *to)
    assert again == newer | {"status": "rolled back"}
    call(lake, "export", runs[0], *to)
    assert client.get_registered_model("ndr-local").aliases == {"current": "1"}
    tags = client.get_model_version("ndr-local", "2").tags
    assert (tags["ndr.status"], tags["ndr.reason"], tags["ndr.decided_by"]) == (
        "rolled back",
        "too many alerts",
        "jane",
    )
    office = client.get_experiment_by_name("office")
    assert office is not None and len(client.search_runs([office.experiment_id])) == 2
    run = client.get_run(newer["mlflow_run_id"])
    assert run.info.status == "FINISHED" and run.info.run_name == runs[1]
    assert run.data.metrics["gates.alert_share"] == 0.25 and "libraries.numpy" in run.data.params
    folder = Path(run.info.artifact_uri.removeprefix("file://")) / "model"
    stored = lake / "models/local" / runs[1]
    assert (folder / "arrays.safetensors").read_bytes() == (stored / "arrays.safetensors").read_bytes()
    assert {path.name for path in folder.iterdir()} >= {"manifest.json", "values.json", "SUCCESS", "deployment.json"}


def test_a_tracking_server_that_cannot_be_reached_is_named(trained: tuple[Path, list[str]], tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    error = call(trained[0], "export", "current", "--to", "mlflow:nonsense://place", code=1)["error"]
    assert "MLflow at nonsense://place refused the export" in error


def test_sagemaker_gets_a_version_that_follows_the_decisions(
    trained: tuple[Path, list[str]], aws_environment: LocalAws
) -> None:
    bucket, group, runs = unique("exports"), unique("ndr-models"), trained[1]
    s3, sagemaker = (aws_environment.client(name) for name in ("s3", "sagemaker"))
    s3.create_bucket(Bucket=bucket)
    for path in trained[0].rglob("*"):
        if path.is_file():
            s3.upload_file(str(path), bucket, f"lake/{path.relative_to(trained[0])}")
    lake, to = f"s3://{bucket}/lake", ("--to", f"sagemaker:{group}", "--image", "registry/serving:1")
    assert "Give --image" in call(lake, "export", "current", "--to", f"sagemaker:{group}", code=1)["error"]
    made = call(lake, "export", "current", *to)
    assert (made["version"], made["ModelApprovalStatus"]) == (1, "Approved")
    assert call(lake, "export", runs[1], *to) == made
    call(lake, "rollback", "--reason", "too many alerts")
    assert call(lake, "export", runs[1], *to)["ModelApprovalStatus"] == "Rejected"
    assert call(lake, "export", runs[0], *to)["version"] == 2
    found = sagemaker.describe_model_package(ModelPackageName=made["model_package_arn"])
    role = "too many alerts (root, "  # the credentials of the local AWS
    assert found["ApprovalDescription"].startswith(f"rolled back: {role}")
    (container,) = found["InferenceSpecification"]["Containers"]
    assert container["Image"] == "registry/serving:1"
    key = container["ModelDataUrl"].removeprefix(f"s3://{bucket}/")
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        member = archive.extractfile("arrays.safetensors")
        assert member is not None
        assert member.read() == (trained[0] / "models/local" / runs[1] / "arrays.safetensors").read_bytes()
    assert found["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"] == f"{lake}/models/local/{runs[1]}/report.json"
    assert len(sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]) == 2
    assert os.environ["AWS_ENDPOINT_URL"] == aws_environment.endpoint


def test_sagemaker_needs_the_model_in_s3(trained: tuple[Path, list[str]]) -> None:
    error = call(trained[0], "export", "current", "--to", "sagemaker:ndr", "--image", "x", code=1)["error"]
    assert "SageMaker cannot read the model in" in error


def test_an_altered_model_is_not_exported(trained: tuple[Path, list[str]], tmp_path: Path) -> None:
    lake = shutil.copytree(trained[0], tmp_path / "lake")
    (lake / "models/local" / trained[1][1] / "values.json").write_bytes(b"{}")
    error = call(lake, "export", "current", "--to", f"mlflow:file://{tmp_path}/mlruns", code=1)["error"]
    assert f"values.json of model {trained[1][1]}" in error and not (tmp_path / "mlruns").exists()


@pytest.mark.parametrize("target", ["mlflow", "mlflow:", "s3://bucket", "sagemaker:"])
def test_another_target_is_a_usage_error(target: str) -> None:
    assert CliRunner().invoke(main, ["export", "current", "--to", target, "--lake", "x"]).exit_code == 2
