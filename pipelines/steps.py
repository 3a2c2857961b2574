"""How a stage becomes a step, and steps a pipeline."""

from __future__ import annotations

from dataclasses import dataclass

from sagemaker.core.processing import Processor
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import Parameter
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.mlops.workflow.steps import ProcessingStep

from pipelines.parameters import (
    IMAGE_REGISTRY,
    IMAGE_TAG,
    PROJECT,
    ROLE_ARN,
    Options,
    Resources,
    parameters_of,
)

# what SageMaker itself fails of; a job that exits with an error is not run again
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


@dataclass(frozen=True)
class StageStep:
    """A step that runs a stage: its command, also the name of its image, and its options beside the project's."""

    name: str
    command: str
    options: Options

    @property
    def all_options(self) -> Options:
        """The project's options and the step's own."""
        return {**PROJECT, **self.options}

    def processing_step(self, session: PipelineSession, resources: Resources, after: list[str]) -> ProcessingStep:
        """The step as a processing job that runs when the named steps have succeeded."""
        instance_type, instance_count, volume_size, max_runtime = resources.parameters()
        processor = Processor(
            role=ROLE_ARN,
            image_uri=Join(on="", values=[IMAGE_REGISTRY, f"/{self.command}:", IMAGE_TAG]),
            entrypoint=[self.command],
            instance_type=instance_type,
            instance_count=instance_count,
            volume_size_in_gb=volume_size,
            max_runtime_in_seconds=max_runtime,
            base_job_name=self.command,
            sagemaker_session=session,
        )
        arguments = [part for option in self.all_options.items() for part in option]
        return ProcessingStep(
            self.name,
            step_args=processor.run(arguments=arguments),
            depends_on=after,
            retry_policies=list(RETRIES),
        )


def chain(name: str, session: PipelineSession, resources: Resources, *steps: StageStep) -> Pipeline:
    """The pipeline that runs the steps one after the other, with exactly the parameters that they use."""
    declared: dict[str, Parameter] = {}
    for step in steps:
        declared |= {parameter.name: parameter for parameter in parameters_of(step.all_options)}
    for parameter in (IMAGE_REGISTRY, IMAGE_TAG, ROLE_ARN, *resources.parameters()):
        declared[parameter.name] = parameter
    before: list[list[str]] = [[], *([step.name] for step in steps)]
    return Pipeline(
        name=name,
        parameters=list(declared.values()),
        steps=[step.processing_step(session, resources, after) for step, after in zip(steps, before, strict=False)],
        sagemaker_session=session,
        pipeline_experiment_config=None,
    )
