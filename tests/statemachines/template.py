"""The CloudFormation template with its functions resolved, and what a machine needs to be permitted."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

from statemachines.definitions import states_of
from statemachines.deploy.functions import parsed
from statemachines.deploy.parts import TEMPLATES
from statemachines.deploy.permissions.template import Template as Deployed

HERE = "us-east-1:000000000000"
PLAIN = [path for name, path in TEMPLATES.items() if name != "observability"]
"""The templates without loops."""

Permission = tuple[str, str]


@cache
def parsed_template(path: Path) -> dict[str, Any]:
    """A template, with the short forms of functions as objects of one key."""
    return parsed(path.read_text())


class Template(Deployed):
    """The templates of all stacks, resolved with the defaults of their parameters or others."""

    def __init__(self, **parameters: str) -> None:
        for one, other in combinations(map(parsed_template, PLAIN), 2):
            assert not one["Resources"].keys() & other["Resources"].keys()
            for section in ("Conditions", "Outputs"):
                same = one.get(section, {}).keys() & other.get(section, {}).keys()
                assert all(one[section][name] == other[section][name] for name in same)
        super().__init__([path.read_text() for path in PLAIN], parameters, HERE.partition(":")[2], "us-east-1")

    def resource(self, name: str) -> dict[str, Any]:
        """The properties of a resource, resolved."""
        resolved: dict[str, Any] = self.resolved(self.raw["Resources"][name]["Properties"])
        return resolved

    def policies_of(self, role: str) -> set[Permission]:
        """What the policies beside a role that depend on parameters allow it."""
        found: set[Permission] = set()
        for name, resource in self.raw["Resources"].items():
            if resource["Type"] == "AWS::IAM::Policy" and "Condition" in resource and self.holds(resource["Condition"]):
                found |= self._given_by(name, role)
        return found

    def always_permitted(self, role: str) -> set[Permission]:
        """What a role permits whatever the parameters are, by its own policies and those beside it."""
        found = permitted(self.resource(role))
        for name, resource in self.raw["Resources"].items():
            if resource["Type"] == "AWS::IAM::Policy" and "Condition" not in resource:
                found |= self._given_by(name, role)
        return found

    def _given_by(self, policy: str, role: str) -> set[Permission]:
        properties = self.resource(policy)
        return permitted({"Policies": [properties]}) if self.name_of(role) in properties["Roles"] else set()

    def role_name(self, arn: str) -> str:
        """The name of a role in the template."""
        roles = [name for name, resource in self.raw["Resources"].items() if resource["Type"] == "AWS::IAM::Role"]
        return next(str(name) for name in roles if self.arn_of(name) == arn)

    def roles(self) -> dict[str, dict[str, Any]]:
        """Properties of all roles, by ARN."""
        names = [name for name, resource in self.raw["Resources"].items() if resource["Type"] == "AWS::IAM::Role"]
        return {self.arn_of(name): self.resource(name) for name in names}


def permitted(role: Mapping[str, Any]) -> set[Permission]:
    """Each action that the inline policies of a role allow, with each resource."""
    statements = [entry for policy in role["Policies"] for entry in policy["PolicyDocument"]["Statement"]]
    assert all(entry["Effect"] == "Allow" for entry in statements)
    return {
        (action, resource)
        for entry in statements
        for action in _listed(entry["Action"])
        for resource in _listed(entry["Resource"])
    }


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def noted(definitions: Iterable[Mapping[str, Any]]) -> set[str]:
    """The pipelines that owners of windows note in the locks, so that the next owner finds those still running."""
    found = [state.get("Arguments", {}) for definition in definitions for _, state in states_of(definition)]
    arguments = [given for given in found if isinstance(given, dict)]
    values = [given.get("ExpressionAttributeValues", {}) for given in arguments]
    of_windows = {given[":pipeline"]["S"] for given in values if ":pipeline" in given}
    of_ranges = [re.findall(r"':pipeline': {'S': '([\w-]+)'}", given.get("TransactItems", "")) for given in arguments]
    return of_windows.union(*of_ranges)


def needed(definition: Mapping[str, Any], machine: str, pipelines: Collection[str] = ()) -> set[Permission]:
    """Each action that a definition needs, with each resource, derived from its states; pipelines as noted in locks."""
    return {found for _, state in states_of(definition) for found in _needed_by(state, machine, pipelines)}


def _needed_by(state: Mapping[str, Any], machine: str, pipelines: Collection[str]) -> Iterator[Permission]:
    if state["Type"] == "Map":
        yield from _of_call(state["ItemReader"]["Resource"], state["ItemReader"]["Arguments"], pipelines, machine)
        own, runs = f"arn:aws:states:{HERE}:stateMachine:{machine}*", f"arn:aws:states:{HERE}:execution:{machine}*"
        yield "states:StartExecution", own
        for action in ("DescribeExecution", "StopExecution", "RedriveExecution"):
            yield f"states:{action}", runs
    elif state["Type"] == "Task":
        yield from _of_call(state["Resource"], state["Arguments"], pipelines, machine)


def _of_call(
    resource: str, arguments: Mapping[str, Any], pipelines: Collection[str], machine: str
) -> Iterator[Permission]:
    service, _, action = resource.removeprefix("arn:aws:states:::").removeprefix("aws-sdk:").partition(":")
    name = f"{service}:{action[0].upper()}{action[1:]}"
    if action == "listPipelineExecutions":
        assert arguments["PipelineName"] == "{% $former_runs[0] %}"
        for pipeline in pipelines:
            yield name, f"arn:aws:sagemaker:{HERE}:pipeline/{pipeline}"
    elif service in ("ecs", "cloudwatchlogs"):
        # what tasks need is permitted only where there are tasks: `needed_for_tasks`
        if action == "runTask.sync":
            for verb in ("PutTargets", "PutRule", "DescribeRule"):
                yield f"events:{verb}", f"arn:aws:events:{HERE}:rule/StepFunctionsGetEventsForECSTaskRule"
    elif service == "sagemaker" and "PipelineName" in arguments:
        yield name, f"arn:aws:sagemaker:{HERE}:pipeline/{arguments['PipelineName']}"
    elif service == "sagemaker":
        yield name, f"arn:aws:sagemaker:{HERE}:pipeline/ndr-*/execution/*"
    elif action == "transactWriteItems":
        # there is no permission of this name: each write needs its own
        assert "'Update'" in arguments["TransactItems"]
        yield "dynamodb:UpdateItem", f"arn:aws:dynamodb:{HERE}:table/{_table_of(arguments)}"
    elif action == "transactGetItems":
        yield "dynamodb:GetItem", f"arn:aws:dynamodb:{HERE}:table/{_table_of(arguments)}"
    elif service == "sfn":
        yield "states:DescribeExecution", f"arn:aws:states:{HERE}:execution:{machine}*"
    elif service == "scheduler":
        yield name, f"arn:aws:scheduler:{HERE}:schedule/default/ndr-*"
        if action == "updateSchedule":
            yield "iam:PassRole", "arn:aws:iam::000000000000:role/ndr-starter"
    elif service == "glue":
        for verb in ("StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun"):
            yield f"glue:{verb}", f"arn:aws:glue:{HERE}:job/{arguments['JobName']}"
    elif service == "sns":
        yield name, arguments["TopicArn"]
    elif action == "copyObject":
        source = arguments["CopySource"].partition("'")[2].partition("/")[0]
        yield "s3:GetObject", f"arn:aws:s3:::{source}/merged-parquet-*"
        yield "s3:PutObject", f"arn:aws:s3:::{arguments['Bucket']}/fw_paloalto/*"
    elif service == "dynamodb":
        yield name, f"arn:aws:dynamodb:{HERE}:table/{arguments['TableName']}"
    elif action == "listObjectsV2":
        bucket = arguments["Bucket"]
        # the 15-minute machine names the bucket of its message
        named = "ndr-ingestion-000000000000-us-east-1" if bucket.startswith("{%") else bucket
        yield "s3:ListBucket", f"arn:aws:s3:::{named}"
    elif action == "getObject" and "_BATCH.json" in arguments["Key"]:
        yield name, "arn:aws:s3:::ndr-ingestion-000000000000-us-east-1/*/_BATCH.json"
    elif service == "s3" and not arguments["Key"].startswith("{%"):
        yield name, f"arn:aws:s3:::{arguments['Bucket']}/{arguments['Key']}"
    elif service == "s3":
        yield name, f"arn:aws:s3:::{arguments['Bucket']}/{_folder(arguments['Key'])}/*"
    elif service == "events":
        for entry in arguments["Entries"]:
            yield name, f"arn:aws:events:{HERE}:event-bus/{entry['EventBusName']}"
    elif resource == "arn:aws:states:::states:startExecution":
        yield (
            "states:StartExecution",
            f"arn:aws:states:{HERE}:stateMachine:{arguments['StateMachineArn'].split(':')[6]}*",
        )
    else:
        assert resource == "arn:aws:states:::states:startExecution.sync:2", resource
        nested = arguments["StateMachineArn"].split(":")[6]
        yield "states:StartExecution", f"arn:aws:states:{HERE}:stateMachine:{nested}*"
        for verb in ("DescribeExecution", "StopExecution"):
            yield f"states:{verb}", f"arn:aws:states:{HERE}:execution:{nested}*"
        rule = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
        for verb in ("PutTargets", "PutRule", "DescribeRule"):
            yield f"events:{verb}", f"arn:aws:events:{HERE}:rule/{rule}"


def _table_of(arguments: Mapping[str, Any]) -> str:
    """The table of a transaction, whose items an expression makes."""
    (table,) = re.findall(r"'TableName': '(\w+)'", arguments["TransactItems"])
    return str(table)


def _folder(key: str) -> str:
    """The first folder of a key that an expression makes: manifests of backfills are all below one."""
    return "backfill" if "manifest_prefix" in key else key.removeprefix("{% '").split("/")[0]
