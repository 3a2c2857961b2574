"""Export to a SageMaker Model Package Group: the model as an archive in S3, and a version that names it."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from common.aws.clients import aws_errors, client
from common.detection.registry.artifacts import REPORT
from common.errors import InputError, ParameterError
from tools.models.exported import CARD, Exported
from tools.models.project import CURRENT, DEPLOYMENT, PREVIOUS, Document

ARCHIVE = "model.tar.gz"
APPROVALS = {CURRENT: "Approved", PREVIOUS: "Approved", "refused": "Rejected", "rolled back": "Rejected"}
PENDING = "PendingManualApproval"
IDENTITY = ("run_id", "manifest_sha256")
LONGEST_VALUE, LONGEST_DESCRIPTION, TOKEN = 256, 1024, 36


def export(model: Exported, group: str, image: str | None) -> Document:
    """The version of the group that holds the model now; that of an earlier export gets today's approval.

    Raises:
        InputError: the lake is not in S3.
        ParameterError: no image is known.
        AwsError: SageMaker or S3 refused.
    """
    uri = f"{model.project.store.uri}/{model.run_id}"
    if not uri.startswith("s3://"):
        raise InputError(f"SageMaker cannot read the model in {uri}", "Export from a lake in S3")
    sagemaker = client("sagemaker")
    with aws_errors(f"model {model.run_id} could not be exported to {group}"):
        _ensure_group(sagemaker, group, model)
        arn = _version_of(sagemaker, group, model)
        if arn is None:
            image = image or _image(model)
            model.project.store.write(f"{model.run_id}/{ARCHIVE}", archived(model.files))
            arn = sagemaker.create_model_package(**_package(model, group, image, uri))["ModelPackageArn"]
        found = sagemaker.describe_model_package(ModelPackageName=arn)
        approval = _approval(model)
        if {name: found.get(name) for name in approval} != approval:
            sagemaker.update_model_package(ModelPackageArn=arn, **approval)
    version = found["ModelPackageVersion"]
    return {"run_id": model.run_id, "model_package_arn": arn, "version": version, "status": model.status} | approval


def archived(files: Mapping[str, bytes]) -> bytes:
    """The files as a gzipped tar archive: the same bytes for the same files."""
    buffer = io.BytesIO()
    with gzip.GzipFile("", "wb", mtime=0, fileobj=buffer) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _image(model: Exported) -> str:
    endpoint = model.project.parameters.training.endpoint
    if endpoint is None or endpoint.image is None:
        raise ParameterError(
            "the image that serves the model is not known",
            "Give --image, or set training.endpoint.image in the parameters",
        )
    return endpoint.image


def _ensure_group(sagemaker: Any, group: str, model: Exported) -> None:
    try:
        sagemaker.create_model_package_group(
            ModelPackageGroupName=group,
            ModelPackageGroupDescription=f"Models of project {model.project.name}, which rank hosts by anomaly",
        )
    except ClientError as error:
        if not re.search("already exist", error.response["Error"]["Message"]):
            raise


def _version_of(sagemaker: Any, group: str, model: Exported) -> str | None:
    """The version that holds the model already."""
    wanted = {name: model.tags()[name] for name in IDENTITY}
    for page in sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group):
        for entry in page["ModelPackageSummaryList"]:
            if model.run_id not in entry.get("ModelPackageDescription", ""):
                continue
            found = sagemaker.describe_model_package(ModelPackageName=entry["ModelPackageArn"])
            if wanted.items() <= found.get("CustomerMetadataProperties", {}).items():
                return str(entry["ModelPackageArn"])
    return None


def _package(model: Exported, group: str, image: str, uri: str) -> dict[str, Any]:
    """The request that creates the version; the same one twice makes one version."""
    metadata = {name: value[:LONGEST_VALUE] for name, value in model.tags().items() if name not in ("status", "reason")}
    return {
        "ModelPackageGroupName": group,
        "ModelPackageDescription": f"{model.run_id} of project {model.project.name}",
        "InferenceSpecification": {"Containers": [{"Image": image, "ModelDataUrl": f"{uri}/{ARCHIVE}"}]},
        "ModelMetrics": _metrics(model, uri),
        "CustomerMetadataProperties": metadata,
        "ModelApprovalStatus": PENDING,
        "ClientToken": model.manifest_sha256[:TOKEN],
    }


def _metrics(model: Exported, uri: str) -> dict[str, Any]:
    """Where the report of training, the results of the gates and the card are."""
    held = {name: {"ContentType": "application/json", "S3Uri": f"{uri}/{name}"} for name in model.files}
    quality = {"Statistics": held[REPORT]} | ({"Constraints": held[DEPLOYMENT]} if DEPLOYMENT in held else {})
    return {"ModelQuality": quality} | ({"Explainability": {"Report": held[CARD]}} if CARD in held else {})


def _approval(model: Exported) -> dict[str, str]:
    """What was decided about the model, in SageMaker's words."""
    last = model.project.last_decision(model.run_id)
    why = f": {last.reason} ({last.decided_by}, {last.decided_ts:%Y-%m-%dT%H:%M:%SZ})" if last else ""
    return {
        "ModelApprovalStatus": APPROVALS.get(model.status, PENDING),
        "ApprovalDescription": f"{model.status}{why}"[:LONGEST_DESCRIPTION],
    }
