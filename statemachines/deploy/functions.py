"""CloudFormation's functions: read from templates in their short forms, and resolved."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from common.errors import DeploymentError

_REFERENCE = re.compile(r"\$\{(!?)([\w:.]+)\}")
NOTHING = object()
"""What `AWS::NoValue` is resolved to."""

ARNS = {
    "AWS::CloudWatch::Alarm": "cloudwatch:{region}:{account}:alarm:{name}",
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::ECR::Repository": "ecr:{region}:{account}:repository/{name}",
    "AWS::ECS::Cluster": "ecs:{region}:{account}:cluster/{name}",
    "AWS::Events::EventBus": "events:{region}:{account}:event-bus/{name}",
    "AWS::Events::Rule": "events:{region}:{account}:rule/{name}",
    "AWS::Glue::Job": "glue:{region}:{account}:job/{name}",
    "AWS::IAM::ManagedPolicy": "iam::{account}:policy/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
    "AWS::Scheduler::Schedule": "scheduler:{region}:{account}:schedule/default/{name}",
}
"""ARNs by type of resource, after `arn:<partition>:`."""


class _Loader(yaml.CSafeLoader):
    """YAML with CloudFormation's short forms, as objects of one key: `!Sub x` is `{"Fn::Sub": "x"}`."""


def _short_form(loader: yaml.CSafeLoader, function: str, node: yaml.Node) -> dict[str, Any]:
    name = function if function in ("Ref", "Condition") else f"Fn::{function}"
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    if isinstance(node, yaml.MappingNode):
        return {name: loader.construct_mapping(node, deep=True)}
    return {name: loader.construct_scalar(node)}  # type: ignore[arg-type]


_Loader.add_multi_constructor("!", _short_form)


def parsed(body: str | Mapping[str, Any]) -> dict[str, Any]:
    """A template as CloudFormation gives it: JSON in an object, or text."""
    return _plain(body) if isinstance(body, Mapping) else _read(body)


@cache
def _read(body: str) -> dict[str, Any]:
    return _plain(yaml.load(body, _Loader))


def _plain(template: Mapping[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(template, default=str))  # type: ignore[no-any-return]


class Functions(ABC):
    """Resolves the functions of a template by its conditions and mappings; what it refers to, a subclass knows."""

    def __init__(self, conditions: Mapping[str, Any], mappings: Mapping[str, Any] | None = None) -> None:
        self._conditions, self._mappings = conditions, mappings or {}

    @abstractmethod
    def reference(self, name: str) -> Any:
        """The value of a parameter, pseudo parameter or resource."""

    @abstractmethod
    def attribute(self, path: str) -> str:
        """The attribute of a resource: its name in the template, a dot, and the attribute's."""

    def resolved(self, value: Any) -> Any:
        """A value with its functions resolved.

        Raises:
            DeploymentError: a function is not known here.
        """
        if isinstance(value, list):
            return [inner for inner in map(self.resolved, value) if inner is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and (function := next(iter(value))) and (function == "Ref" or function.startswith("Fn::")):
            return self._called(function.removeprefix("Fn::"), value[function])
        members = {key: self.resolved(inner) for key, inner in value.items()}
        return {key: inner for key, inner in members.items() if inner is not NOTHING}

    def holds(self, condition: str) -> bool:
        """Whether a condition of the template holds.

        Raises:
            DeploymentError: a function of it is not known here.
        """
        return self._is_true(self._conditions[condition])

    def _called(self, function: str, given: Any) -> Any:
        match function:
            case "Ref":
                return NOTHING if given == "AWS::NoValue" else self.reference(given)
            case "GetAtt":
                return self.attribute(given if isinstance(given, str) else ".".join(given))
            case "Sub":
                text, own = given if isinstance(given, list) else (given, {})
                return _REFERENCE.sub(lambda match: self._substituted(match, self.resolved(own)), text)
            case "If":
                condition, true, false = given
                return self.resolved(true if self.holds(condition) else false)
            case "FindInMap":
                name, first, second = self.resolved(given)
                return self._mappings[name][first][second]
            case "Join":
                separator, parts = self.resolved(given)
                return separator.join(map(str, parts))
            case "Split":
                separator, text = self.resolved(given)
                return text.split(separator)
            case "Select":
                place, items = self.resolved(given)
                return items[int(place)]
        raise DeploymentError(f"the function {function} of a template is not known", "Add it to deploy/functions.py")

    def _substituted(self, match: re.Match[str], own: Mapping[str, Any]) -> str:
        literal, name = match.groups()
        if literal:
            return f"${{{name}}}"
        if name in own:
            return str(own[name])
        return str(self.attribute(name) if "." in name else self.reference(name))

    def _is_true(self, condition: Mapping[str, Any]) -> bool:
        ((function, given),) = condition.items()
        match function.removeprefix("Fn::"):
            case "Condition":
                return self.holds(given)
            case "Equals":
                left, right = self.resolved(given)
                return bool(str(left) == str(right))
            case "Not":
                return not self._is_true(given[0])
            case "And":
                return all(map(self._is_true, given))
            case "Or":
                return any(map(self._is_true, given))
        raise DeploymentError(f"the condition {function} of a template is not known", "Add it to deploy/functions.py")
