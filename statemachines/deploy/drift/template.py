"""The resources that a deployed stack should have: its template, with functions resolved."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from common.errors import DeploymentError

_REFERENCE = re.compile(r"\$\{(!?)([\w:.]+)\}")
NOTHING = object()
"""What `AWS::NoValue` is resolved to."""

ARNS = {
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::ECS::Cluster": "ecs:{region}:{account}:cluster/{name}",
    "AWS::Events::EventBus": "events:{region}:{account}:event-bus/{name}",
    "AWS::Events::Rule": "events:{region}:{account}:rule/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
}
"""ARNs by type of resource, after `arn:<partition>:`."""
LAST_PART = re.compile(r"[^/|]+$")


@dataclass(frozen=True)
class Resource:
    """A resource of a stack: its name in the template, type, physical id, and properties as they should be."""

    logical: str
    kind: str
    physical: str
    properties: dict[str, Any]


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
    return json.loads(json.dumps(body if isinstance(body, Mapping) else yaml.load(body, _Loader), default=str))  # type: ignore[no-any-return]


class Stack:
    """A deployed stack: its template after transforms, and the values of parameters and resources."""

    def __init__(self, template: Mapping[str, Any], values: Mapping[str, str], physical: Mapping[str, str]) -> None:
        """`values` are those of parameters and pseudo parameters; `physical` are the ids of its resources."""
        self._template = template
        self._values = values
        self._physical = physical

    def resources(self) -> Iterator[Resource]:
        """The resources whose conditions hold.

        Raises:
            DeploymentError: the template has a function that is not known here.
        """
        for logical, resource in self._template["Resources"].items():
            if "Condition" not in resource or self._holds({"Condition": resource["Condition"]}):
                properties = self._resolved(resource.get("Properties", {}))
                yield Resource(logical, resource["Type"], self._physical.get(logical, ""), properties)

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, list):
            return [inner for inner in map(self._resolved, value) if inner is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and (function := next(iter(value))) and (function == "Ref" or function.startswith("Fn::")):
            return self._called(function.removeprefix("Fn::"), value[function])
        members = {key: self._resolved(inner) for key, inner in value.items()}
        return {key: inner for key, inner in members.items() if inner is not NOTHING}

    def _called(self, function: str, given: Any) -> Any:
        match function:
            case "Ref":
                return self._reference(given)
            case "GetAtt":
                return self._attribute(given if isinstance(given, str) else ".".join(given))
            case "Sub":
                text, own = given if isinstance(given, list) else (given, {})
                return _REFERENCE.sub(lambda match: self._substituted(match, self._resolved(own)), text)
            case "If":
                condition, true, false = given
                return self._resolved(true if self._holds({"Condition": condition}) else false)
            case "Join":
                separator, parts = self._resolved(given)
                return separator.join(map(str, parts))
            case "Split":
                separator, text = self._resolved(given)
                return text.split(separator)
            case "Select":
                place, items = self._resolved(given)
                return items[int(place)]
        raise DeploymentError(f"the function {function} of a template is not known", "Add it to deploy/drift")

    def _substituted(self, match: re.Match[str], own: Mapping[str, Any]) -> str:
        literal, name = match.groups()
        if literal:
            return f"${{{name}}}"
        if name in own:
            return str(own[name])
        return str(self._attribute(name) if "." in name else self._reference(name))

    def _reference(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NOTHING
        return self._values[name] if name in self._values else self._physical.get(name, "")

    def _attribute(self, path: str) -> str:
        logical, _, attribute = path.partition(".")
        kind, physical = self._template["Resources"][logical]["Type"], self._physical.get(logical, "")
        name = physical if kind == "AWS::Logs::LogGroup" else (LAST_PART.search(physical) or [""])[0]
        if kind == "AWS::Events::Rule":
            bus = self._resolved(self._template["Resources"][logical]["Properties"].get("EventBusName", "default"))
            name = name if bus == "default" else f"{bus}/{name}"
        if attribute == "Arn" and kind in ARNS:
            place = {"region": self._values["AWS::Region"], "account": self._values["AWS::AccountId"], "name": name}
            return f"arn:{self._values['AWS::Partition']}:{ARNS[kind].format(**place)}"
        return name if attribute.endswith("Name") else physical

    def _holds(self, condition: Any) -> bool:
        ((function, given),) = condition.items()
        match function.removeprefix("Fn::"):
            case "Condition":
                return self._holds(self._template["Conditions"][given])
            case "Equals":
                left, right = self._resolved(given)
                return bool(str(left) == str(right))
            case "Not":
                return not self._holds(given[0])
            case "And":
                return all(map(self._holds, given))
            case "Or":
                return any(map(self._holds, given))
        raise DeploymentError(f"the condition {function} of a template is not known", "Add it to deploy/drift")
