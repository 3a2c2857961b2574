"""Templates of stacks, as text for CloudFormation."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

_REFERENCE = re.compile(r"\$\{([\w:]+)\}")
RETAIN = "DeletionPolicy"
LINE = 1_000_000
"""Characters of a line that is sent: no text is broken."""
IDENTITY = {
    "AWS::S3::Bucket": ("BucketName",),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::Events::EventBus": ("Name",),
    "AWS::ECS::Cluster": ("ClusterName",),
    # whose encryption no update can change
    "AWS::ECR::Repository": ("RepositoryName", "EncryptionConfiguration"),
    "AWS::IAM::Role": ("RoleName", "AssumeRolePolicyDocument"),
}
"""What is told of a resource to take it over: CloudFormation believes it, and sets nothing. The rest is an update."""


def body_of(template: Path, values: Mapping[str, str] | None = None, adopted: Collection[str] = ()) -> str:
    """The template without comments, and with each part of a resource on a line: CloudFormation takes 51,200 bytes.

    With values of parameters and pseudo parameters, what outlives its stack has its name in plain letters: only so
    CloudFormation takes over what is there. Resources that are adopted, given by their names in the template, outlive
    it too, and have nothing but their identity.
    """
    root = _composed(template)
    for resource in (node for name, node in resources(root) if name in adopted):
        retain(resource)
        _reduce(resource)
    if values:
        _name_kept(root, values)
    return text_of(root)


def text_of(root: yaml.Node) -> str:
    """A template as text that is sent."""
    _on_lines(root, levels=3)
    return str(yaml.serialize(root, Dumper=yaml.CSafeDumper, width=LINE))


def resources(root: yaml.Node) -> list[tuple[str, yaml.Node]]:
    """Name and node of each resource."""
    return entries(entry(root, "Resources"))


def retain(resource: yaml.Node) -> None:
    """Has a resource outlive its stack."""
    if not any(key == RETAIN for key, _ in entries(resource)):
        pair = (yaml.ScalarNode("tag:yaml.org,2002:str", RETAIN), yaml.ScalarNode("tag:yaml.org,2002:str", "Retain"))
        resource.value.insert(1, pair)


def adoptable(template: Path, moves: bool) -> list[str]:
    """Names of the resources that a new stack of a template takes over: what is kept, and what moves where that is so.

    What is kept outlives every stack. Roles and buses have been another stack's only while an environment is upgraded:
    in all other cases, one that is there is somebody else's.
    """
    found = resources(_composed(template))
    return [
        name
        for name, node in found
        if any(key == RETAIN for key, _ in entries(node)) or (moves and kind_of(node) in IDENTITY)
    ]


def names_of(template: Path) -> set[str]:
    """Names of the resources of a template."""
    return {name for name, _ in resources(_composed(template))}


def outputs_of(template: Path) -> list[str]:
    """Names of the outputs of a template."""
    return [name for name, _ in entries(entry(_composed(template), "Outputs"))]


def kept_in(template: Path, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """Type and name of what is kept when a stack of the template is deleted."""
    return _name_kept(_composed(template), values)


def parameters_of(template: Path) -> dict[str, dict[str, Any]]:
    """The parameters of a template: what each declares, all as text; allowed values as a list of it."""
    found = entries(entry(_composed(template), "Parameters"))
    return {name: {key: _plain(node) for key, node in entries(one)} for name, one in found}


def declared(template: Path) -> set[str]:
    """The names of a template's parameters."""
    return set(parameters_of(template))


def defaults(template: Path) -> dict[str, str]:
    """The defaults of a template's parameters that have one."""
    return {name: one["Default"] for name, one in parameters_of(template).items() if "Default" in one}


def kind_of(resource: yaml.Node) -> str:
    """The type of a resource; empty for a loop, which makes several."""
    return next((str(node.value) for key, node in entries(resource) if key == "Type"), "")


def entries(node: yaml.Node) -> list[tuple[str, yaml.Node]]:
    """Keys and values of a mapping; nothing where it is none."""
    return list(_pairs(node))


def entry(node: yaml.Node, name: str) -> yaml.Node:
    """The value of a key."""
    return dict(entries(node))[name]


def _plain(node: yaml.Node) -> Any:
    return [_plain(one) for one in node.value] if isinstance(node, yaml.SequenceNode) else str(node.value)


def _pairs(node: yaml.Node) -> Iterator[tuple[str, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key.value, value


def _reduce(resource: yaml.Node) -> None:
    """Leaves the properties by which a resource is known."""
    properties = entry(resource, "Properties")
    if identity := IDENTITY.get(kind_of(resource)):
        properties.value = [pair for pair in properties.value if pair[0].value in identity]


def _name_kept(root: yaml.Node, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """Resolves the names of the resources that are kept when their stack is deleted; gives their types and names."""
    found = []
    for _, resource in resources(root):
        if any(key == RETAIN for key, _ in entries(resource)):
            for key, node in entries(entry(resource, "Properties")):
                if key.endswith("Name") and node.tag == "!Sub":
                    node.value = _REFERENCE.sub(lambda match: values[match[1]], node.value)
                    node.tag = "tag:yaml.org,2002:str"
                    found.append((kind_of(resource), str(node.value)))
    return found


def _on_lines(node: yaml.Node, levels: int) -> None:
    """Lays a node out in a block for so many levels, and what is deeper on one line."""
    if isinstance(node, yaml.CollectionNode):
        node.flow_style = levels <= 0
        for inner in node.value:
            for one in inner if isinstance(inner, tuple) else (inner,):
                _on_lines(one, levels - 1)


def _composed(template: Path) -> yaml.Node:
    return composed(template.read_text(encoding="utf-8"))


def composed(text: str) -> yaml.Node:
    """The nodes of a template's text."""
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    assert isinstance(root, yaml.MappingNode)
    return root
