"""CloudFormation without the resources of services that are off, and with the properties that ministack drops."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import cloudformation as of_ministack
from ministack.services import dynamodb, ecr, eventbridge, lambda_svc, s3
from ministack.services.cloudformation import changesets, provisioners, stacks

from localaws.processes.programs import ProgramError
from localaws.server.patching import replace
from localaws.services import notifications

Properties = dict[str, Any]
Check = Callable[[Properties], None]

KINDS = (
    "CloudFormation",
    "CloudWatch",
    "DynamoDB",
    "ECR",
    "ECS",
    "Events",
    "Glue",
    "IAM",
    "Lambda",
    "Logs",
    "S3",
    "SNS",
    "SQS",
    "Scheduler",
    "StepFunctions",
)
_EXCLUDED = (
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::LayerVersionPermission",
    "AWS::Lambda::Url",
    "AWS::ECS::Service",
)
_EVENT_BUS = "AWS::Events::EventBus"
_REPOSITORY = "AWS::ECR::Repository"
_UPLOADS = "AbortIncompleteMultipartUpload"
_EXPIRATION = "ExpirationInDays"
_OLD_VERSIONS = "NoncurrentVersionExpiration"
_MORE_TAGGED = {"AWS::S3::Bucket": ("Tags", "list"), "AWS::Glue::Job": ("Tags", "map")}
"""Types of resources that get the tags of their stack, of which ministack does not know it."""
_ESM_NUMBERS = ("BatchSize", "MaximumBatchingWindowInSeconds")

_original_job_fields = provisioners._glue_job_fields
_original_errors = stacks._validation_errors


def install(check_function: Check) -> None:
    """Makes ministack refuse resources of other kinds, and functions that are not run."""
    for name in list(provisioners._RESOURCE_HANDLERS):
        if name.split("::")[1] not in KINDS or name in _EXCLUDED:
            del provisioners._RESOURCE_HANDLERS[name]
    replace(provisioners, "_glue_job_fields", _job_fields)
    replace(stacks, "_validation_errors", _errors)
    provisioners._RESOURCE_HANDLERS[_EVENT_BUS]["import"] = _import_event_bus
    changesets._IMPORT_LOOKUPS[_EVENT_BUS] = (("Name",), _event_bus_problem)
    provisioners._RESOURCE_HANDLERS[_REPOSITORY]["import"] = _import_repository
    changesets._IMPORT_LOOKUPS[_REPOSITORY] = (("RepositoryName",), _repository_problem)
    provisioners._STACK_TAG_PROPERTY.update(_MORE_TAGGED)
    _extend("AWS::S3::Bucket", "_s3", done=_apply_bucket_settings)
    _extend("AWS::DynamoDB::Table", "_ddb", done=_apply_table_settings)
    _extend("AWS::Lambda::Function", "_lambda", _checked(check_function), _reserve)
    _extend("AWS::Lambda::EventSourceMapping", "_lambda_esm", _typed_mapping)
    _extend("AWS::SNS::Subscription", "_sns_sub", _checked(notifications.check_subscription))
    _extend("AWS::SNS::Topic", "_sns", _checked(notifications.check_topic))


def _errors(
    resources_defs: Any,
    ordered: Any,
    param_values: Any,
    conditions: Any,
    mappings: Any,
    stack_name: str,
    stack_id: str,
    owned_buckets: frozenset[str] = frozenset(),
) -> list[tuple[str, ...]]:
    """What is wrong before a deployment. ministack counts the buckets that a change set takes over."""
    taken_over = {
        name
        for change_set in of_ministack._change_sets.values()
        if change_set["StackName"] == stack_name
        for name in change_set.get("_import_existing") or ()
    }
    found: list[tuple[str, ...]] = _original_errors(
        resources_defs, ordered, param_values, conditions, mappings, stack_name, stack_id, owned_buckets
    )
    return [error for error in found if error[0] not in taken_over or error[2] != "NAME_CONFLICT_VALIDATION"]


def _event_bus_problem(name: str) -> str | None:
    """Why a bus of this name cannot be taken over."""
    return None if name in eventbridge._event_buses else f"EventBus {name} not found"


def _import_event_bus(identifier: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Name and attributes of a bus that a stack takes over, as others are by ministack."""
    name = identifier["Name"]
    return name, {"Arn": eventbridge._event_buses[name]["Arn"], "Name": name}


def _repository_problem(name: str) -> str | None:
    """Why a repository of this name cannot be taken over."""
    return None if name in ecr._repositories else f"Repository {name} not found"


def _import_repository(identifier: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Name and attributes of a repository that a stack takes over, with its images."""
    name = identifier["RepositoryName"]
    found = ecr._repositories[name]
    return name, {"Arn": found["repositoryArn"], "RepositoryUri": found["repositoryUri"]}


def _extend(
    kind: str,
    prefix: str,
    prepare: Callable[[Properties], Properties] = lambda given: given,
    done: Callable[[str, Properties], None] = lambda name, given: None,
) -> None:
    """Has `prepare` see the properties before a resource is made or changed, and `done` its name afterwards."""
    handlers = provisioners._RESOURCE_HANDLERS[kind]
    original_create, original_update = handlers["create"], handlers["update"]

    def create(logical_id: str, props: Properties, stack_name: str) -> Any:
        made = original_create(logical_id, prepare(props), stack_name)
        done(made[0], props)
        return made

    def update(physical_id: str, old_props: Properties, new_props: Properties, *more: Any, **named: Any) -> Any:
        changed = original_update(physical_id, old_props, prepare(new_props), *more, **named)
        done(changed[0], new_props)
        return changed

    handlers.update(create=create, update=update)
    # an update that needs a new resource calls this one
    replace(provisioners, f"{prefix}_create", create)


def _checked(check: Check) -> Callable[[Properties], Properties]:
    """The properties as they are, if the check does not refuse them."""

    def prepare(given: Properties) -> Properties:
        try:
            check(given)
        except ProgramError as error:
            raise ValueError(str(error)) from error  # with which ministack fails a resource
        return given

    return prepare


def _job_fields(props: Properties) -> Properties:
    """The fields of a Glue job, with its limit on concurrent runs, and whether others wait."""
    found: Properties = _original_job_fields(props)
    limit = (props.get("ExecutionProperty") or {}).get("MaxConcurrentRuns", 1)
    waits = _is_true(props.get("JobRunQueuingEnabled", False))
    return {**found, "ExecutionProperty": {"MaxConcurrentRuns": int(limit)}, "JobRunQueuingEnabled": waits}


def _apply_table_settings(name: str, props: Mapping[str, Any]) -> None:
    """Applies the time to live and the point-in-time recovery of a table."""
    to_live = props.get("TimeToLiveSpecification") or {}
    attribute = to_live.get("AttributeName") or dynamodb._ttl_settings.get(name, {}).get("AttributeName")
    if attribute:
        specification = {"AttributeName": attribute, "Enabled": _is_true(to_live.get("Enabled", bool(to_live)))}
        dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": specification})
    recovery = (props.get("PointInTimeRecoverySpecification") or {}).get("PointInTimeRecoveryEnabled", False)
    wanted = {"PointInTimeRecoveryEnabled": _is_true(recovery)}
    dynamodb._update_continuous_backups({"TableName": name, "PointInTimeRecoverySpecification": wanted})


def _apply_bucket_settings(name: str, props: Mapping[str, Any]) -> None:
    """Applies the tags and the lifecycle of a bucket."""
    s3._bucket_tags[name] = {str(tag["Key"]): str(tag["Value"]) for tag in props.get("Tags") or []}
    _apply_lifecycle(name, props)


def _apply_lifecycle(name: str, props: Mapping[str, Any]) -> None:
    """Notes the rules by which a bucket gives up uploads, old objects and old versions; nothing carries them out.

    No others are known.
    """
    rules = (props.get("LifecycleConfiguration") or {}).get("Rules", [])
    if unknown := {key for rule in rules for key in rule} - {
        "Id",
        "Status",
        "Prefix",
        _UPLOADS,
        _EXPIRATION,
        _OLD_VERSIONS,
    }:
        raise ValueError(f"{', '.join(sorted(unknown))} of a rule of bucket {name} is not supported")
    noted = [_lifecycle_rule(rule) for rule in rules]
    s3._bucket_lifecycle.pop(name, None)
    if noted:
        s3._bucket_lifecycle[name] = noted


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule of a bucket as S3 has it."""
    found = {"ID": rule.get("Id"), "Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if _UPLOADS in rule:
        found[_UPLOADS] = rule[_UPLOADS]
    if _EXPIRATION in rule:
        found["Expiration"] = {"Days": int(rule[_EXPIRATION])}
    if _OLD_VERSIONS in rule:
        found[_OLD_VERSIONS] = {"NoncurrentDays": int(rule[_OLD_VERSIONS]["NoncurrentDays"])}
    return found


def _reserve(name: str, props: Mapping[str, Any]) -> None:
    """Applies the concurrency that is reserved for a function."""
    reserved = props.get("ReservedConcurrentExecutions")
    lambda_svc._functions[name]["concurrency"] = None if reserved in (None, "") else int(reserved)


def _typed_mapping(props: Properties) -> Properties:
    """The properties of an event source mapping with numbers where parameters of a template give text."""
    typed = {**props, **{name: int(props[name]) for name in _ESM_NUMBERS if name in props}}
    if "Enabled" in props:
        typed["Enabled"] = _is_true(props["Enabled"])
    if limit := (props.get("ScalingConfig") or {}).get("MaximumConcurrency"):
        typed["ScalingConfig"] = {"MaximumConcurrency": int(limit)}
    return typed


def _is_true(value: object) -> bool:
    return str(value).lower() == "true"
