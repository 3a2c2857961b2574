"""Builds every pipeline of the catalog with the SageMaker SDK, without AWS, and writes the definitions to stdout.

The only module that imports the SDK. It runs in the SDK's environment, as a process of its own: see
`pipelines.definitions.build`.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterable
from contextlib import AbstractContextManager, redirect_stdout
from unittest.mock import patch

import boto3
from sagemaker.core.config.config_manager import SageMakerConfig
from sagemaker.core.processing import Processor
from sagemaker.core.workflow import parameters as sdk
from sagemaker.core.workflow.execution_variables import ExecutionVariable, ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow import pipeline as sdk_pipeline
from sagemaker.mlops.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.mlops.workflow.steps import ProcessingStep

from pipelines.catalog import PIPELINES, options_of
from pipelines.parameters import Execution, Parameter, Pipeline, Resources, StageStep, TimeRange, Value, parameters_of

# instead of the defaults files of whoever builds, which the SDK would work into the definitions
SDK_CONFIG = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}

# their defaults depend on the account: upsert knows them
IMAGE_REGISTRY = Parameter("ImageRegistry")
IMAGE_TAG = Parameter("ImageTag")
ROLE_ARN = Parameter("RoleArn")

# for failures of SageMaker itself; a job that exits with an error is not run again
RETRIES = (
    StepRetryPolicy(
        exception_types=[StepExceptionTypeEnum.THROTTLING, StepExceptionTypeEnum.SERVICE_FAULT],
        interval_seconds=10,
        backoff_rate=2.0,
        max_attempts=5,
    ),
    SageMakerJobStepRetryPolicy(
        exception_types=[SageMakerJobExceptionTypeEnum.RESOURCE_LIMIT],
        failure_reason_types=[
            SageMakerJobExceptionTypeEnum.CAPACITY_ERROR,
            SageMakerJobExceptionTypeEnum.INTERNAL_ERROR,
        ],
        interval_seconds=30,
        backoff_rate=2.0,
        max_attempts=5,
    ),
)


def main() -> None:
    """Writes one JSON object: the definition of each pipeline by its name."""
    warnings.filterwarnings("ignore", message="Running within a PipelineSession", category=UserWarning)
    output = sys.stdout
    with redirect_stdout(sys.stderr), without_repeated_validation():
        session = offline_session()
        built = {name: sdk_pipeline_of(name, pipeline, session) for name, pipeline in PIPELINES.items()}
        definitions = {name: json.loads(pipeline.definition()) for name, pipeline in built.items()}
    json.dump(definitions, output)


def without_repeated_validation() -> AbstractContextManager[object]:
    """Skips a check of the SDK, which takes nine tenths of the time.

    The session checks its settings when it is made; the SDK then checks them again whenever it looks one up.
    """
    return patch.object(SageMakerConfig, "validate_sagemaker_config", staticmethod(lambda config=None: None))


def offline_session() -> PipelineSession:
    """A session that collects requests and sends none."""
    return PipelineSession(boto_session=boto3.Session(), sagemaker_config=SDK_CONFIG)


def sdk_pipeline_of(name: str, pipeline: Pipeline, session: PipelineSession) -> sdk_pipeline.Pipeline:
    """The SDK's pipeline, with exactly the parameters that its steps use."""
    before: list[list[str]] = [[], *([step.name] for step in pipeline.steps)]
    return sdk_pipeline.Pipeline(
        name=name,
        parameters=[sdk_value(parameter) for parameter in declared(pipeline)],
        steps=[
            processing_step(step, step.resources or pipeline.resources, after, session)
            for step, after in zip(pipeline.steps, before, strict=False)
        ],
        sagemaker_session=session,
        pipeline_experiment_config=None,
    )


def declared(pipeline: Pipeline) -> Iterable[Parameter]:
    """The parameters of the pipeline, each once."""
    used = [parameter for step in pipeline.steps for parameter in parameters_of(options_of(step))]
    resources = [pipeline.resources, *(step.resources for step in pipeline.steps if step.resources)]
    ran_on = [parameter for entry in resources for parameter in entry.parameters]
    return dict.fromkeys([*used, IMAGE_REGISTRY, IMAGE_TAG, ROLE_ARN, *ran_on])


def processing_step(
    step: StageStep, resources: Resources, after: list[str], session: PipelineSession
) -> ProcessingStep:
    """The step as a processing job that runs when the named steps have succeeded."""
    instance_type, instance_count, volume_size, max_runtime = map(sdk_value, resources.parameters)
    processor = Processor(
        role=sdk_value(ROLE_ARN),
        image_uri=Join(on="", values=[sdk_value(IMAGE_REGISTRY), f"/{step.command}:", sdk_value(IMAGE_TAG)]),
        entrypoint=[step.command],
        instance_type=instance_type,
        instance_count=instance_count,
        volume_size_in_gb=volume_size,
        max_runtime_in_seconds=max_runtime,
        base_job_name=step.command,
        sagemaker_session=session,
    )
    arguments = [part for name, value in options_of(step).items() for part in (name, sdk_value(value))]
    return ProcessingStep(
        step.name,
        step_args=processor.run(arguments=arguments),
        depends_on=after,
        retry_policies=list(RETRIES),
    )


def sdk_value(value: Value) -> str | sdk.Parameter | Join | ExecutionVariable:
    """The value as the SDK has it."""
    if isinstance(value, TimeRange):
        return Join(on="/", values=[sdk_value(value.start), sdk_value(value.end)])
    if isinstance(value, Execution):
        return ExecutionVariables.PIPELINE_EXECUTION_ARN
    if not isinstance(value, Parameter):
        return value
    if isinstance(value.default, int):
        return sdk.ParameterInteger(value.name, default_value=value.default)
    return sdk.ParameterString(value.name, default_value=value.default, enum_values=list(value.choices) or None)


if __name__ == "__main__":
    main()
