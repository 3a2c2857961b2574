"""An endpoint of the local AWS: the model that a deploy stage gives it is served by the command of its image."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from botocore.exceptions import ClientError

from common.config.training import EndpointParameters
from common.detection.inputs import model_features
from common.detection.members.member import Samples
from common.detection.registry.artifacts import load_model
from common.detection.registry.pointer import manifest_sha256, model_store
from common.detection.scoring import score
from common.runtime.programs import scripts_folder
from jobs.if_training.endpoint import upsert_endpoint
from localaws.cli.process import LocalAws
from tests.common.detection.model_lake import make_lake, train_model
from tests.factories import SPEC
from tests.localaws.running import lead_to, wait_for
from tests.localaws.services.sagemaker.pipelines import ROLE, create, definition, step

FEATURES = model_features(SPEC).names
PARAMETERS = EndpointParameters(name="ndr-anomalies", role_arn=ROLE)
IMAGES = (
    {"Name": "ImageRegistry", "Type": "String", "DefaultValue": "docker.io/library"},
    {"Name": "ImageTag", "Type": "String", "DefaultValue": "latest"},
)


@dataclass
class Served:
    """A local AWS with a model in its S3, and the execution of a pipeline that deploys it."""

    local: LocalAws
    lake: Path
    run_id: str
    execution: str

    def deploy(self, parameters: EndpointParameters, digest: str | None = None) -> dict[str, Any]:
        """The endpoint once it serves the model, or has failed."""
        known = manifest_sha256(model_store(str(self.lake), "local"), self.run_id)
        upsert_endpoint(parameters, self.run_id, f"s3://models/{self.run_id}", digest or known, self.execution)
        return dict(wait_for(lambda: self.settled(parameters.name), 120, pause=0.2))

    def settled(self, name: str) -> dict[str, Any] | None:
        found: dict[str, Any] = self.local.client("sagemaker").describe_endpoint(EndpointName=name)
        return found if found["EndpointStatus"] in ("InService", "Failed") else None

    def invoke(self, rows: list[dict[str, float]], name: str = PARAMETERS.name) -> Any:
        runtime, body = self.local.client("sagemaker-runtime"), json.dumps({"rows": rows})
        answer = runtime.invoke_endpoint(EndpointName=name, Body=body, ContentType="application/json")
        return json.loads(answer["Body"].read())


@pytest.fixture
def served(start_local_aws: Callable[..., LocalAws], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    lake = make_lake(tmp_path / "lake")
    run_id = train_model(lake)["run_id"]
    local = start_local_aws(step_bin=scripts_folder())
    s3 = local.client("s3")
    s3.create_bucket(Bucket="models")
    for path in (lake / "models/local" / run_id).iterdir():
        s3.put_object(Bucket="models", Key=f"{run_id}/{path.name}", Body=path.read_bytes())
    pipeline = create(local, definition(step("Deploy", "ndr-serve", "--version"), parameters=IMAGES))
    execution = local.client("sagemaker").start_pipeline_execution(PipelineName=pipeline)["PipelineExecutionArn"]
    lead_to(local, monkeypatch)
    return Served(local, lake, run_id, execution)


@pytest.mark.slow
def test_an_endpoint_gives_the_scores_of_its_model(served: Served) -> None:
    endpoint = served.deploy(PARAMETERS)
    assert endpoint["EndpointStatus"] == "InService", endpoint
    values = np.array([[0.0], [3.0]], dtype=np.float32) * np.ones(len(FEATURES), dtype=np.float32)
    identity = {"project_name": "local", "feature_spec_version": "v1", "baseline_horizon": "7d"}
    model = load_model(model_store(str(served.lake), "local"), served.run_id, FEATURES, identity)
    expected = score(model, Samples(pa.table({"row": [0, 1]}), values), 8)
    rows = [dict.fromkeys(FEATURES, value) for value in (0.0, 3.0)]
    found = served.invoke(rows)["predictions"]
    assert [row["anomaly_score"] for row in found] == list(expected.anomaly_score)
    assert [row["raw_score"] for row in found] == list(expected.raw_score)
    assert found[0]["raw_score"] != found[1]["raw_score"] and found[0]["model_id"] == served.run_id

    with pytest.raises(ClientError, match="row 0 lacks") as refused:
        served.invoke([{}])
    assert refused.value.response["Error"]["Code"] == "ModelError"
    assert refused.value.response["OriginalStatusCode"] == 400

    # the digest of another manifest: what is served stays, and a new endpoint does not come up
    kept = served.deploy(PARAMETERS, "0" * 64)
    assert (kept["EndpointStatus"], kept["EndpointConfigName"]) == ("InService", endpoint["EndpointConfigName"])
    assert "not 0000" in kept["FailureReason"]
    assert served.invoke(rows)["predictions"] == found
    failed = served.deploy(PARAMETERS.model_copy(update={"name": "ndr-other"}), "0" * 64)
    assert failed["EndpointStatus"] == "Failed" and "not 0000" in failed["FailureReason"]

    # a key that leads out of the folder of the model
    s3 = served.local.client("s3")
    s3.put_object(Bucket="models", Key=f"{served.run_id}/../../out", Body=b"")
    beyond = served.deploy(PARAMETERS.model_copy(update={"name": "ndr-beyond"}))
    assert beyond["EndpointStatus"] == "Failed" and "is not below s3://models/" in beyond["FailureReason"]
    s3.delete_object(Bucket="models", Key=f"{served.run_id}/../../out")

    # a server that starts again serves what the one before it served
    served.local.stop()
    served.local.start()
    again = wait_for(lambda: served.settled(PARAMETERS.name), 120, pause=0.2)
    assert again["EndpointStatus"] == "InService" and served.invoke(rows)["predictions"] == found
    served.local.client("sagemaker").delete_endpoint(EndpointName=PARAMETERS.name)
    with pytest.raises(ClientError, match="not in service"):
        served.invoke(rows)


def test_an_image_that_is_none_of_a_stage_is_refused(local_aws: LocalAws) -> None:
    source = {"S3Uri": "s3://models/run/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    container = {"Image": "registry/other:1", "ModelDataSource": {"S3DataSource": source}}
    with pytest.raises(ClientError, match="'other' is not the command of a stage"):
        local_aws.client("sagemaker").create_model(ModelName="other", ExecutionRoleArn=ROLE, PrimaryContainer=container)
