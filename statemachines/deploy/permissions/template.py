"""Templates of stacks, with their functions resolved: what roles they have, and what these permit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import yaml

ABSENT = "<no value>"
ROLE, POLICY = "AWS::IAM::Role", "AWS::IAM::Policy"
NAMES = {
    "AWS::DynamoDB::Table": ("TableName", "arn:{partition}:dynamodb:{here}:table/{name}"),
    "AWS::S3::Bucket": ("BucketName", "arn:{partition}:s3:::{name}"),
    "AWS::Events::EventBus": ("Name", "arn:{partition}:events:{here}:event-bus/{name}"),
    "AWS::Events::Rule": ("Name", "arn:{partition}:events:{here}:rule/{name}"),
    ROLE: ("RoleName", "arn:{partition}:iam::{account}:role/{name}"),
    "AWS::SQS::Queue": ("QueueName", "arn:{partition}:sqs:{here}:{name}"),
    "AWS::Logs::LogGroup": ("LogGroupName", "arn:{partition}:logs:{here}:log-group:{name}:*"),
    "AWS::Glue::Job": ("Name", "arn:{partition}:glue:{here}:job/{name}"),
    "AWS::Lambda::Function": ("FunctionName", "arn:{partition}:lambda:{here}:function:{name}"),
    "AWS::ECS::Cluster": ("ClusterName", "arn:{partition}:ecs:{here}:cluster/{name}"),
    "AWS::Scheduler::Schedule": ("Name", "arn:{partition}:scheduler:{here}:schedule/default/{name}"),
    "AWS::SNS::Topic": ("TopicName", "arn:{partition}:sns:{here}:{name}"),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", "arn:{partition}:iam::{account}:policy/{name}"),
}
"""Where a resource has its name, and its ARN."""


@dataclass(frozen=True)
class Statement:
    """A statement of a policy that allows actions; `place` names the policy."""

    place: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, Any]]


class _Loader(yaml.CSafeLoader):
    """YAML with CloudFormation's short forms."""


def _short_form(function: str, loader: yaml.SafeLoader, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.SequenceNode):
        return {function: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.ScalarNode)
    return {function: loader.construct_scalar(node)}


for _function in ("Ref", "Sub", "GetAtt", "Not", "Equals", "If", "Join", "Split"):
    _Loader.add_constructor(f"!{_function}", partial(_short_form, _function))


@cache
def parsed(body: str) -> dict[str, Any]:
    """A template, with the short forms of functions as objects of one key."""
    found: dict[str, Any] = yaml.load(body, _Loader)
    return found


class Template:
    """The templates of stacks as one, resolved with values of parameters; loops are left out."""

    def __init__(self, bodies: Iterable[str], parameters: Mapping[str, str], account: str, region: str) -> None:
        self.raw: dict[str, Any] = {"Parameters": {}, "Conditions": {}, "Resources": {}, "Outputs": {}}
        for body in bodies:
            raw = parsed(body)
            for section, entries in self.raw.items():
                entries |= {name: one for name, one in raw.get(section, {}).items() if isinstance(one, dict)}
        self.place = {"partition": "aws", "account": account, "here": f"{region}:{account}"}
        pseudo = {
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::Region": region,
            "AWS::AccountId": account,
            "AWS::NoValue": ABSENT,
        }
        defaults = {name: str(given.get("Default", "")) for name, given in self.raw["Parameters"].items()}
        self.values = {**pseudo, **defaults, **parameters}

    @property
    def outputs(self) -> dict[str, str]:
        """Values of the outputs by name."""
        return {name: str(self.resolved(output["Value"])) for name, output in self.raw["Outputs"].items()}

    def of_kind(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of the resources of a type whose conditions hold, by their names in the template."""
        return {
            name: self.resolved(resource["Properties"])
            for name, resource in self.raw["Resources"].items()
            if resource["Type"] == kind and ("Condition" not in resource or self.holds(resource["Condition"]))
        }

    def statements(self) -> dict[str, list[Statement]]:
        """What each role permits, by its name: by its own policies, and by those beside it."""
        found = {
            role["RoleName"]: list(_statements(f"{name}, policy", role.get("Policies", [])))
            for name, role in self.of_kind(ROLE).items()
        }
        for name, policy in self.of_kind(POLICY).items():
            for role in policy["Roles"]:
                found.setdefault(role, []).extend(_statements(name, [policy]))
        return found

    def holds(self, condition: str) -> bool:
        """Whether a condition of the form `!Not [!Equals [!Ref <parameter>, <text>]]` holds."""
        ((equal,),) = self.raw["Conditions"][condition].values()
        left, right = self.resolved(equal["Equals"])
        return bool(left != right)

    def resolved(self, value: Any) -> Any:
        """A value with its functions resolved."""
        if isinstance(value, list):
            return [inner for inner in map(self.resolved, value) if inner != ABSENT]
        if not isinstance(value, dict):
            return value
        if list(value) == ["Sub"]:
            return re.sub(r"\$\{([\w:.]+)\}", lambda match: self._referred(match[1]), value["Sub"])
        if list(value) in (["Ref"], ["GetAtt"]):
            return self._referred(next(iter(value.values())))
        if list(value) == ["If"]:
            condition, true, false = value["If"]
            return self.resolved(true if self.holds(condition) else false)
        if list(value) in (["Join"], ["Split"]):
            separator, content = self.resolved(next(iter(value.values())))
            return separator.join(content) if "Join" in value else content.split(separator)
        resolved = {key: self.resolved(inner) for key, inner in value.items()}
        return {key: inner for key, inner in resolved.items() if inner != ABSENT}

    def _referred(self, name: str) -> str:
        logical, _, attribute = name.partition(".")
        if logical not in self.raw["Resources"]:
            return self.values.get(name, f"${{{name}}}")  # a variable of a policy, such as ${aws:userid}
        is_topic = self.raw["Resources"][logical]["Type"] == "AWS::SNS::Topic"
        return self.arn_of(logical) if attribute == "Arn" or is_topic else self.name_of(logical)

    def name_of(self, logical: str) -> str:
        """The name of a resource, given by its name in the template."""
        resource = self.raw["Resources"][logical]
        return str(self.resolved(resource["Properties"][NAMES[resource["Type"]][0]]))

    def arn_of(self, logical: str) -> str:
        """The ARN of a resource, given by its name in the template."""
        arn = NAMES[self.raw["Resources"][logical]["Type"]][1]
        return arn.format(name=self.name_of(logical), **self.place)


def _statements(place: str, policies: Iterable[Mapping[str, Any]]) -> Iterator[Statement]:
    for policy in policies:
        for entry in policy["PolicyDocument"]["Statement"]:
            named = f"{place} {policy['PolicyName']}"
            yield Statement(named, _texts(entry["Action"]), _texts(entry["Resource"]), entry.get("Condition", {}))


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else (value,)
