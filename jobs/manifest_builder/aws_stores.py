"""S3 and Step Functions as the builder uses them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from common.aws.clients import aws_errors, client
from common.ingestion.objects import Buckets
from common.ingestion.table import TrackingTable
from jobs.manifest_builder.config import BuilderConfig
from jobs.manifest_builder.stores import Stores

GOES_ON = {"RUNNING", "PENDING_REDRIVE"}


def aws_stores(config: BuilderConfig) -> Stores:
    """The table, buckets and state machine of the configuration."""
    executions = StateMachine(config.step_function_arn) if config.step_function_arn else None
    return Stores(TrackingTable(config.table), Buckets(), executions, _now, _new_id)


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True)
class StateMachine:
    """The executions of the state machine with this ARN."""

    arn: str
    steps: Any = field(default_factory=lambda: client("stepfunctions"))

    def start(self, name: str, text: str) -> bool:
        """Starts an execution with this input, if none of the name exists; False if one may have ended.

        Raises:
            AwsError: it cannot be started.
        """
        with aws_errors(f"execution {name} of {self.arn} cannot be started"):
            try:
                self.steps.start_execution(stateMachineArn=self.arn, name=name, input=text)
            except self.steps.exceptions.ExecutionAlreadyExists:
                return False
        return True

    def end_of(self, name: str) -> str | None:
        """How an execution ended, like ABORTED; None if it goes on.

        Raises:
            AwsError: it cannot be described.
        """
        machine = ":".join(self.arn.split(":")[:7])  # without version or alias
        with aws_errors(f"execution {name} of {self.arn} cannot be described"):
            try:
                found = self.steps.describe_execution(
                    executionArn=f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
                )
            except self.steps.exceptions.ExecutionDoesNotExist:
                return "unknown"
        return None if found["status"] in GOES_ON else str(found["status"])
