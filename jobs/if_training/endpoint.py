"""The SageMaker endpoint that a deployed model goes to, where a project has one."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from botocore.exceptions import ClientError

from common.aws.clients import aws_errors, client
from common.config.training import EndpointParameters
from common.errors import DeploymentError

NAME_MOST = 63
VARIANT = "AllTraffic"


def upsert_endpoint(
    parameters: EndpointParameters | None, run_id: str, model_uri: str, manifest_sha256: str, execution: str | None
) -> str | None:
    """The endpoint that now serves, or is about to serve, the model; None where the project has none.

    The model and the endpoint configuration are named by run, manifest and settings, and kept where they exist. The
    container is told the digest of the manifest, and serves no other model. `execution` is the ARN of that of the
    pipeline, whose images are those of the endpoint too, unless its parameters name one.

    Raises:
        DeploymentError: the model is not in S3, from where SageMaker takes it, or there is no image.
        AwsError: SageMaker refused.
    """
    if parameters is None:
        return None
    if not model_uri.startswith("s3://"):
        raise DeploymentError(
            f"endpoint {parameters.name} cannot serve a model in {model_uri}",
            "Use a lake in S3, or remove the endpoint from the project parameters",
        )
    sagemaker = client("sagemaker")
    if parameters.image is None:
        parameters = parameters.model_copy(update={"image": _image_of(sagemaker, parameters, execution)})
    name = resource_name(parameters, run_id, manifest_sha256)
    with aws_errors(f"endpoint {parameters.name} could not be given model {run_id}"):
        _create(sagemaker.create_model, **_model(parameters, name, model_uri, manifest_sha256))
        _create(sagemaker.create_endpoint_config, **_configuration(parameters, name))
        if not _create(sagemaker.create_endpoint, EndpointName=parameters.name, EndpointConfigName=name):
            found = sagemaker.describe_endpoint(EndpointName=parameters.name)
            if found["EndpointConfigName"] != name:
                sagemaker.update_endpoint(EndpointName=parameters.name, EndpointConfigName=name)
    return parameters.name


def resource_name(parameters: EndpointParameters, run_id: str, manifest_sha256: str) -> str:
    """The name of the model and of the endpoint configuration: the same for the same run, manifest and settings."""
    digest = hashlib.sha256(repr((parameters, run_id, manifest_sha256)).encode()).hexdigest()[:12]
    return re.sub(r"[^A-Za-z0-9-]+", "-", f"ndr-{run_id}")[: NAME_MOST - 13] + f"-{digest}"


def _image_of(sagemaker: Any, parameters: EndpointParameters, execution: str | None) -> str:
    """The image that serves models, of the registry and with the tag of the images of the pipeline's execution."""
    if not re.match(r"arn:[a-z-]+:sagemaker:.*:pipeline/", execution or ""):
        raise DeploymentError(
            f"endpoint {parameters.name} has no image, and none is known outside a pipeline",
            "Name the pushed ndr-serve as training.endpoint.image in the project parameters",
        )
    with aws_errors(f"the images of {execution} cannot be read"):
        found = sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=execution)
        pages = sagemaker.get_paginator("list_pipeline_parameters_for_execution").paginate(
            PipelineExecutionArn=execution
        )
        given = {entry["Name"]: entry["Value"] for page in pages for entry in page["PipelineParameters"]}
    defaults = json.loads(found["PipelineDefinition"])["Parameters"]
    values = {entry["Name"]: entry.get("DefaultValue") for entry in defaults} | given
    return f"{values['ImageRegistry']}/ndr-serve:{values['ImageTag']}"


def _model(parameters: EndpointParameters, name: str, model_uri: str, manifest_sha256: str) -> dict[str, Any]:
    source = {"S3Uri": f"{model_uri}/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    container = {
        "Image": parameters.image,
        "ModelDataSource": {"S3DataSource": source},
        "Environment": {"NDR_MANIFEST_SHA256": manifest_sha256},
    }
    return {"ModelName": name, "ExecutionRoleArn": parameters.role_arn, "PrimaryContainer": container}


def _configuration(parameters: EndpointParameters, name: str) -> dict[str, Any]:
    variant = {
        "VariantName": VARIANT,
        "ModelName": name,
        "InstanceType": parameters.instance_type,
        "InitialInstanceCount": parameters.instance_count,
    }
    return {"EndpointConfigName": name, "ProductionVariants": [variant]}


def _create(call: Any, **arguments: Any) -> bool:
    """Whether the call created what it names; False where that exists already."""
    try:
        call(**arguments)
    except ClientError as error:
        found = error.response["Error"]
        if found["Code"] == "ValidationException" and re.search(r"already exist", found["Message"]):
            return False
        raise
    return True
