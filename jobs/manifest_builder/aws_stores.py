"""Table, S3, Step Functions and SNS as the builder uses them."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from common.aws.clients import aws_errors, client
from common.aws.topics import Topic
from common.ingestion.objects import Buckets
from common.ingestion.table import TrackingTable
from jobs.manifest_builder.config import BuilderConfig
from jobs.manifest_builder.stores import End, Stores

GOES_ON = {"RUNNING", "PENDING_REDRIVE"}


def aws_stores(config: BuilderConfig) -> Stores:
    """The table, buckets and state machine of the configuration."""
    executions = StateMachine(config.step_function_arn) if config.step_function_arn else None
    alerts = Topic(config.alerts_topic_arn) if config.alerts_topic_arn else None
    return Stores(TrackingTable(config.table), Buckets(), executions, alerts, _now, _new_id)


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

    def end_of(self, name: str) -> End | None:
        """How an execution ended, which is `unknown` if there is none; None if it goes on.

        Raises:
            AwsError: it cannot be described.
        """
        machine = ":".join(self.arn.split(":")[:7])  # without version or alias
        execution = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
        with aws_errors(f"execution {name} of {self.arn} cannot be described"):
            try:
                found = self.steps.describe_execution(executionArn=execution)
            except self.steps.exceptions.ExecutionDoesNotExist:
                return End("unknown", execution)
        if found["status"] in GOES_ON:
            return None
        return End(str(found["status"]), execution, json.loads(found.get("output") or "{}"))
