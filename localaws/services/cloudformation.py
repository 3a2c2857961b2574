"""CloudFormation without the resources of other services: ministack would run the program of a Lambda function."""

from __future__ import annotations

from typing import Any

from ministack import app

from localaws.server.wire import Handler, Response

KINDS = (
    "CloudFormation",
    "DynamoDB",
    "ECR",
    "Events",
    "Glue",
    "IAM",
    "Logs",
    "S3",
    "SQS",
    "Scheduler",
    "StepFunctions",
)


def install() -> None:
    """Makes ministack refuse a template with a resource of another kind."""
    app.SERVICE_HANDLERS["cloudformation"] = _limited(app.SERVICE_HANDLERS["cloudformation"])


def _limited(handler: Handler) -> Handler:
    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        # ministack loads it with the first request, for it takes half a second
        from ministack.services.cloudformation import provisioners

        for name in list(provisioners._RESOURCE_HANDLERS):
            if name.split("::")[1] not in KINDS:
                del provisioners._RESOURCE_HANDLERS[name]
        return await handler(method, path, headers, body, query)

    return handle
