"""Templates of stacks, with their functions resolved: what roles they have, and what these permit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from common.aws.caller import identity
from common.aws.clients import client
from statemachines.deploy.functions import ARNS, Functions, parsed
from statemachines.deploy.parts import Stack

ROLE, POLICY = "AWS::IAM::Role", "AWS::IAM::Policy"
NAMES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::Events::EventBus": "Name",
    "AWS::Events::Rule": "Name",
    ROLE: "RoleName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::Glue::Job": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::ECS::Cluster": "ClusterName",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::SNS::Topic": "TopicName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
}
"""Where a resource has its name."""


@dataclass(frozen=True)
class Statement:
    """A statement of a policy that allows actions; `place` names the policy."""

    place: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, Any]]


class Template(Functions):
    """The templates of stacks as one, resolved with values of parameters; loops are left out."""

    def __init__(self, bodies: Iterable[str], parameters: Mapping[str, str], account: str, region: str) -> None:
        self.raw: dict[str, Any] = {"Parameters": {}, "Conditions": {}, "Resources": {}, "Outputs": {}}
        for body in bodies:
            raw = parsed(body)
            for section, entries in self.raw.items():
                entries |= {name: one for name, one in raw.get(section, {}).items() if isinstance(one, dict)}
        super().__init__(self.raw["Conditions"])
        self.here = f"{region}:{account}"
        self._place = {"region": region, "account": account}
        pseudo = {
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::Region": region,
            "AWS::AccountId": account,
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

    def reference(self, name: str) -> str:
        """The value of a parameter or pseudo parameter; of a resource its name, of a topic its ARN."""
        if name not in self.raw["Resources"]:
            return self.values.get(name, f"${{{name}}}")  # a variable of a policy, such as ${aws:userid}
        return self.arn_of(name) if self.raw["Resources"][name]["Type"] == "AWS::SNS::Topic" else self.name_of(name)

    def attribute(self, path: str) -> str:
        """The ARN or the name of a resource."""
        logical, _, attribute = path.partition(".")
        is_arn = attribute == "Arn" and logical in self.raw["Resources"]
        return self.arn_of(logical) if is_arn else self.reference(logical)

    def name_of(self, logical: str) -> str:
        """The name of a resource, given by its name in the template."""
        resource = self.raw["Resources"][logical]
        return str(self.resolved(resource["Properties"][NAMES[resource["Type"]]]))

    def arn_of(self, logical: str) -> str:
        """The ARN of a resource, given by its name in the template."""
        arn = ARNS[self.raw["Resources"][logical]["Type"]]
        return f"arn:aws:{arn.format(name=self.name_of(logical), **self._place)}"


def in_account(stacks: Iterable[Stack], parameters: Mapping[str, str]) -> Template:
    """The templates of the stacks as they would be in the account and region of the environment.

    Raises:
        AwsError: the account is unknown.
    """
    bodies = [stack.template.read_text(encoding="utf-8") for stack in stacks]
    return Template(bodies, parameters, identity().account, str(client("cloudformation").meta.region_name))


def _statements(place: str, policies: Iterable[Mapping[str, Any]]) -> Iterator[Statement]:
    for policy in policies:
        for entry in policy["PolicyDocument"]["Statement"]:
            named = f"{place} {policy['PolicyName']}"
            yield Statement(named, _texts(entry["Action"]), _texts(entry["Resource"]), entry.get("Condition", {}))


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else (value,)
