"""Calls of other services from states: serialised with requests over HTTP, and errors with AWS's names."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from ministack import app
from ministack.core.responses import _service_model
from ministack.services import stepfunctions as sf

_original_prefix = sf._prefix_sdk_error


def call(service: str, target: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Calls a service on the event loop that serves HTTP; ministack calls it from the execution's thread."""
    headers = {"x-amz-target": target, "content-type": "application/x-amz-json-1.0"}
    handler, body = app.SERVICE_HANDLERS[service], json.dumps(request).encode()
    status, _, answer = app.call_service_handler_sync(handler, "POST", "/", headers, body, {})
    return status, json.loads(answer or b"{}")


def invoke_dynamodb(op_name: str, input_data: dict[str, Any]) -> dict[str, Any]:
    """Calls DynamoDB; conditions also hold between executions and clients."""
    status, result = call("dynamodb", f"DynamoDB_20120810.{op_name[0].upper()}{op_name[1:]}", input_data)
    if status >= 400:
        code = result.get("__type", "").rpartition("#")[2].rpartition(".")[2]
        name = _exceptions("dynamodb").get(code, "AmazonDynamoDBException")
        raise sf._ExecutionError(f"DynamoDB.{name}", result.get("message", ""))
    return result


def get_object(resource: str, input_data: dict[str, Any]) -> dict[str, Any]:
    """Reads an object of text from S3."""
    body = _s3("GET", input_data, b"")
    return {"Body": body.decode(), "ContentLength": len(body)}


def put_object(resource: str, input_data: dict[str, Any]) -> dict[str, Any]:
    """Writes an object of text to S3."""
    _s3("PUT", input_data, str(input_data.get("Body", "")).encode())
    return {}


def copy_object(resource: str, input_data: dict[str, Any]) -> dict[str, Any]:
    """Copies an object in S3."""
    copied = ElementTree.fromstring(
        _s3("PUT", input_data, b"", {"x-amz-copy-source": input_data.get("CopySource", "")})
    )
    return {"CopyObjectResult": {item.tag.rpartition("}")[2]: item.text for item in copied}}


def list_objects(resource: str, input_data: dict[str, Any]) -> dict[str, Any]:
    """Lists objects and folders in S3; folders are objects with a prefix, and counts are numbers, as on AWS."""
    found: dict[str, Any] = sf._invoke_aws_sdk_integration(resource, input_data)
    counts: dict[str, Any] = {name: int(found[name]) for name in ("KeyCount", "MaxKeys") if name in found}
    folders = [{"Prefix": name} if isinstance(name, str) else name for name in found.get("CommonPrefixes", [])]
    return {**found, **counts, **({"CommonPrefixes": folders} if folders else {})}


def _s3(method: str, request: dict[str, Any], content: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    bucket, key = request.get("Bucket", ""), request.get("Key", "")
    handler, path = app.SERVICE_HANDLERS["s3"], f"/{bucket}/{key}"
    given = {"host": "s3", **(headers or {})}
    status, _, body = app.call_service_handler_sync(handler, method, path, given, content, {})
    if status >= 400:
        found = re.search(rb"<Code>(\w+)</Code>", body)
        code = found[1].decode() if found else "S3"
        name = code if code.endswith("Exception") else f"{code}Exception"
        raise sf._ExecutionError(f"S3.{name}", f"Bucket: {bucket}, Key: {key}: {code}")
    return bytes(body)


def get_schedule(resource: str, input_data: dict[str, Any]) -> dict[str, Any]:
    """Reads a schedule."""
    return _scheduler("GET", input_data)


def update_schedule(resource: str, input_data: dict[str, Any]) -> dict[str, Any]:
    """Replaces a schedule."""
    return _scheduler("PUT", input_data)


def _scheduler(method: str, request: dict[str, Any]) -> dict[str, Any]:
    handler, content = app.SERVICE_HANDLERS["scheduler"], json.dumps(request).encode()
    path, headers = f"/schedules/{request.get('Name', '')}", {"content-type": "application/json"}
    status, answered, body = app.call_service_handler_sync(handler, method, path, headers, content, {})
    answer: dict[str, Any] = json.loads(body or b"{}")
    if status >= 400:
        known = {name.lower(): value for name, value in answered.items()}
        code = str(known.get("x-amzn-errortype") or answer.get("__type", "SchedulerException")).partition(":")[0]
        raise sf._ExecutionError(f"Scheduler.{code}", answer.get("Message") or answer.get("message") or code)
    return answer


def invoke_events_put_events(resource: str, input_data: dict[str, Any]) -> dict[str, Any]:
    """Calls PutEvents; details may be objects, and a failed entry fails the task."""
    entries = [
        {**entry, "Detail": detail if isinstance(detail := entry.get("Detail", "{}"), str) else json.dumps(detail)}
        for entry in input_data.get("Entries", [])
    ]
    status, result = call("events", "AWSEvents.PutEvents", {**input_data, "Entries": entries})
    if status >= 400:
        raise sf._ExecutionError(f"EventBridge.{result.get('__type', 'Exception')}", result.get("message", ""))
    if result.get("FailedEntryCount"):
        raise sf._ExecutionError("EventBridge.FailedEntry", json.dumps(result))
    return result


def prefix_sdk_error(service_name: str, error_code: str) -> str:
    """The name of a service's error in Step Functions: that of the exception in the AWS SDK for Java.

    An error that the service's model does not declare becomes the service's general exception: SageMaker's
    ValidationException is SageMaker.SageMakerException.
    """
    if error_code.startswith("States.") or service_name in sf._AWS_SDK_ERROR_CODE_OVERRIDES or service_name == "ec2":
        return str(_original_prefix(service_name, error_code))
    integration = sf._AWS_SDK_SERVICE_MAP.get(service_name, {})
    names = _exceptions(integration.get("service_key", service_name))
    if not names:
        return str(_original_prefix(service_name, error_code))
    prefix = sf._AWS_SDK_ERROR_PREFIX.get(service_name, service_name.capitalize())
    return f"{prefix}.{names.get(error_code, f'{prefix}Exception')}"


@functools.cache
def _exceptions(service: str) -> dict[str, str]:
    """The Java SDK's exception of each declared error of a service, by code; empty for a service without a model."""
    model = _service_model(service)
    shapes = model.error_shapes if model is not None else []
    names = {}
    for shape in shapes:
        name = shape.name.removesuffix("Fault")
        java = name if name.endswith("Exception") else f"{name}Exception"
        names[shape.name] = names[shape.error_code] = java
    return names
