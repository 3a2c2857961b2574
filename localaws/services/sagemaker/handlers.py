"""The operations of the SageMaker API for pipelines."""

from __future__ import annotations

from localaws.server.wire import Document, Operation, ServiceError, arn, identifier, now, page, required
from localaws.services.sagemaker import views
from localaws.services.sagemaker.definition import Definition, invalid
from localaws.services.sagemaker.records import ExecutionRecord, PipelineRecord, Records
from localaws.services.sagemaker.runner import Runner


class Pipelines:
    """SageMaker's pipeline operations."""

    def __init__(self, records: Records, runner: Runner) -> None:
        self._records = records
        self._runner = runner

    def operations(self) -> dict[str, Operation]:
        """The operations by name."""
        return {
            "CreatePipeline": self.create,
            "UpdatePipeline": self.update,
            "DeletePipeline": self.delete,
            "DescribePipeline": lambda request: views.pipeline(self._pipeline(request), self._records),
            "ListPipelines": self.list_pipelines,
            "StartPipelineExecution": self.start,
            "StopPipelineExecution": self.stop,
            "DescribePipelineExecution": lambda request: views.execution(self._execution(request)),
            "DescribePipelineDefinitionForExecution": self.definition_of_execution,
            "ListPipelineExecutions": self.list_executions,
            "ListPipelineExecutionSteps": self.list_steps,
            "ListPipelineParametersForExecution": self.list_parameters,
            "ListTags": self.list_tags,
            "AddTags": self.add_tags,
            "DeleteTags": self.delete_tags,
        }

    def _pipeline(self, request: Document) -> PipelineRecord:
        """The pipeline of a request, given by name or ARN."""
        name = required(request, "PipelineName")
        found = self._records.pipelines.get(name.rpartition("/")[2])
        if found is None:
            raise ServiceError("ResourceNotFound", f"Pipeline '{name}' does not exist.")
        return found

    def _execution(self, request: Document) -> ExecutionRecord:
        name = required(request, "PipelineExecutionArn")
        found = self._records.executions.get(name)
        if found is None:
            raise ServiceError("ResourceNotFound", f"Pipeline execution with ARN {name} does not exist.")
        return found

    def _definition(self, request: Document) -> str:
        if "PipelineDefinitionS3Location" in request:
            raise invalid("PipelineDefinitionS3Location is not supported by the local AWS, use PipelineDefinition")
        text = required(request, "PipelineDefinition")
        Definition.parse(text)
        return self._records.keep_definition(text)

    def create(self, request: Document) -> Document:
        """Creates a pipeline; an existing name is an error."""
        name = required(request, "PipelineName")
        role = required(request, "RoleArn")
        if name in self._records.pipelines:
            raise invalid(f"Pipeline names must be unique within an AWS account and region. Pipeline {name} exists")
        record = PipelineRecord(arn("sagemaker", f"pipeline/{name}"), name, self._definition(request), role)
        record.tags = _tags(request)
        return self._change(record, request)

    def update(self, request: Document) -> Document:
        """Updates a pipeline; running executions keep the definition they started with."""
        record = self._pipeline(request)
        if "PipelineDefinition" in request or "PipelineDefinitionS3Location" in request:
            record.definition = self._definition(request)
        record.role_arn = request.get("RoleArn", record.role_arn)
        return self._change(record, request)

    def _change(self, record: PipelineRecord, request: Document) -> Document:
        record.display_name = request.get("PipelineDisplayName", record.display_name)
        record.description = request.get("PipelineDescription", record.description)
        record.parallelism = request.get("ParallelismConfiguration", record.parallelism)
        record.modified = now()
        self._records.keep_pipeline(record)
        return {"PipelineArn": record.arn}

    def delete(self, request: Document) -> Document:
        """Deletes a pipeline without running executions."""
        record = self._pipeline(request)
        if any(not item.ended for item in self._executions_of(record)):
            raise ServiceError("ConflictException", f"Pipeline {record.name} has running executions")
        self._records.drop_pipeline(record.name)
        return {"PipelineArn": record.arn}

    def list_pipelines(self, request: Document) -> Document:
        """The pipelines, newest first."""
        prefix = request.get("PipelineNamePrefix") or ""
        found = [item for item in self._records.pipelines.values() if item.name.startswith(prefix)]
        ordered = views.by_time(found, request, "Descending", lambda item: item.created)
        items, more = page(ordered, request)
        return {"PipelineSummaries": [views.pipeline_summary(item) for item in items], **more}

    def start(self, request: Document) -> Document:
        """Starts an execution; a repeated token for the same pipeline returns the execution it started first."""
        pipeline = self._pipeline(request)
        token = required(request, "ClientRequestToken")
        for item in self._executions_of(pipeline):
            if item.token == token:
                return {"PipelineExecutionArn": item.arn}
        given = {item["Name"]: item["Value"] for item in request.get("PipelineParameters") or []}
        definition = Definition.parse(self._records.definitions[pipeline.definition])
        record = ExecutionRecord(
            arn=f"{pipeline.arn}/execution/{identifier()}",
            pipeline_name=pipeline.name,
            pipeline_arn=pipeline.arn,
            definition=pipeline.definition,
            parameters=definition.values(given),
            given=given,
            token=token,
            display_name=request.get("PipelineExecutionDisplayName"),
            description=request.get("PipelineExecutionDescription"),
        )
        pipeline.last_run = record.created
        self._records.keep_pipeline(pipeline)
        self._records.keep_execution(record)
        self._runner.start(record)
        return {"PipelineExecutionArn": record.arn}

    def stop(self, request: Document) -> Document:
        """Stops an execution: its steps end, and no more start."""
        record = self._execution(request)
        if record.ended:
            raise invalid(f"Pipeline execution {record.arn} has ended as {record.status} and cannot be stopped")
        self._runner.stop(record.arn)
        return {"PipelineExecutionArn": record.arn}

    def _executions_of(self, pipeline: PipelineRecord) -> list[ExecutionRecord]:
        with self._records.lock:
            return [item for item in self._records.executions.values() if item.pipeline_arn == pipeline.arn]

    def definition_of_execution(self, request: Document) -> Document:
        """The definition of an execution."""
        record = self._execution(request)
        return {"PipelineDefinition": self._records.definitions[record.definition], "CreationTime": record.created}

    def list_executions(self, request: Document) -> Document:
        """The executions of a pipeline, newest first."""
        found = self._executions_of(self._pipeline(request))
        ordered = views.by_time(found, request, "Descending", lambda item: item.created)
        items, more = page(ordered, request)
        return {"PipelineExecutionSummaries": [views.execution_summary(item) for item in items], **more}

    def list_steps(self, request: Document) -> Document:
        """The started steps of an execution, newest first."""
        ordered = views.by_time(self._execution(request).steps, request, "Descending", lambda item: item.start)
        items, more = page(ordered, request)
        return {"PipelineExecutionSteps": [views.step(item) for item in items], **more}

    def list_parameters(self, request: Document) -> Document:
        """The parameters given at the start of an execution."""
        given = self._execution(request).given
        items, more = page([{"Name": name, "Value": value} for name, value in given.items()], request)
        return {"PipelineParameters": items, **more}

    def _tagged(self, request: Document) -> PipelineRecord:
        """The pipeline whose tags a request is about, which are the only ones here."""
        name = required(request, "ResourceArn")
        if ":pipeline/" not in name:
            raise invalid(f"{name} is no pipeline, and the local AWS has tags of pipelines only")
        return self._pipeline({"PipelineName": name})

    def list_tags(self, request: Document) -> Document:
        """The tags of a pipeline."""
        tags = self._tagged(request).tags
        items, more = page([{"Key": key, "Value": value} for key, value in tags.items()], request)
        return {"Tags": items, **more}

    def add_tags(self, request: Document) -> Document:
        """Tags a pipeline; a key that it has gets the value."""
        record = self._tagged(request)
        record.tags |= _tags(request)
        self._records.keep_pipeline(record)
        return self.list_tags({"ResourceArn": record.arn})

    def delete_tags(self, request: Document) -> Document:
        """Takes tags away from a pipeline."""
        record = self._tagged(request)
        record.tags = {key: value for key, value in record.tags.items() if key not in request.get("TagKeys", [])}
        self._records.keep_pipeline(record)
        return {}


def _tags(request: Document) -> dict[str, str]:
    given = request.get("Tags") or []
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise invalid("Tags is no list of keys with values")
    return {required(one, "Key"): str(one.get("Value", "")) for one in given}
