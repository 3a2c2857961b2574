"""The deployed ingestion: its table, queues, function, state machine and buckets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from common.aws.clients import aws_errors, client
from common.errors import AwsError
from common.ingestion.table import TrackingTable
from statemachines.deploy.described import read_outputs

MACHINE = "sfn_ndjson_ingestion"


@dataclass(frozen=True)
class Ingestion:
    """What the stack of this name has."""

    stack: str

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The outputs of the stack."""
        return read_outputs(client("cloudformation"), self.stack)

    @cached_property
    def table(self) -> TrackingTable:
        """The tracking table."""
        return TrackingTable(self.outputs["FileTrackingTable"])

    @cached_property
    def settings(self) -> dict[str, str]:
        """The settings of the manifest builder, as in its environment."""
        name = self.outputs["ManifestBuilderName"]
        with aws_errors(f"function {name} cannot be read"):
            found = client("lambda").get_function_configuration(FunctionName=name)
        return dict(found["Environment"]["Variables"])

    def execution(self, name: str) -> dict[str, Any] | None:
        """An execution of the state machine, as Step Functions describes it; None if it does not exist."""
        arn = self.settings["STEP_FUNCTION_ARN"].removesuffix(":live").replace(":stateMachine:", ":execution:")
        steps = client("stepfunctions")
        with aws_errors(f"execution {name} cannot be read"):
            try:
                found: dict[str, Any] = steps.describe_execution(executionArn=f"{arn}:{name}")
            except steps.exceptions.ExecutionDoesNotExist:
                return None
        return found

    def sweep(self, flush: bool = False) -> int:
        """How many manifests the builder made, which does at once what the schedule has it do.

        With `flush`, no file waits for others.

        Raises:
            AwsError: the function failed.
        """
        name = self.outputs["ManifestBuilderName"]
        with aws_errors(f"function {name} cannot be invoked"):
            done = client("lambda").invoke(FunctionName=name, Payload=json.dumps({"sweep": True, "flush": flush}))
        answer = json.loads(done["Payload"].read())
        if done.get("FunctionError"):
            raise AwsError(f"function {name} failed: {answer.get('errorMessage', answer)}", "See its log")
        return int(json.loads(answer["body"])["manifests_created"])

    def messages(self, queue: str) -> int:
        """About how many messages a queue has, by the name of its output; those that are being dealt with included."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        with aws_errors(f"queue {self.outputs[queue]} cannot be read"):
            found = client("sqs").get_queue_attributes(QueueUrl=self.outputs[queue], AttributeNames=list(names))
        return sum(int(found["Attributes"][name]) for name in names)
