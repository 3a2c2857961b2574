"""The resources that a deployed stack should have: its template, with functions resolved."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from statemachines.deploy.functions import ARNS, Functions

LAST_PART = re.compile(r"[^/|]+$")


@dataclass(frozen=True)
class Resource:
    """A resource of a stack: its name in the template, type, physical id, properties as they should be, and ARN.

    The ARN is empty of types that have none, or are never named by it.
    """

    logical: str
    kind: str
    physical: str
    properties: dict[str, Any]
    arn: str = ""


class Stack(Functions):
    """A deployed stack: its template after transforms, and the values of parameters and resources."""

    def __init__(self, template: Mapping[str, Any], values: Mapping[str, str], physical: Mapping[str, str]) -> None:
        """`values` are those of parameters and pseudo parameters; `physical` are the ids of its resources."""
        super().__init__(template.get("Conditions", {}), template.get("Mappings", {}))
        self._template = template
        self._values = values
        self._physical = physical

    def resources(self) -> Iterator[Resource]:
        """The resources whose conditions hold.

        Raises:
            DeploymentError: the template has a function that is not known here.
        """
        for logical, resource in self._template["Resources"].items():
            if "Condition" not in resource or self.holds(resource["Condition"]):
                properties = self.resolved(resource.get("Properties", {}))
                physical, arn = self._physical.get(logical, ""), self.attribute(f"{logical}.Arn")
                yield Resource(logical, resource["Type"], physical, properties, arn if arn.startswith("arn:") else "")

    def reference(self, name: str) -> Any:
        """The value of a parameter or pseudo parameter, or the physical id of a resource."""
        return self._values[name] if name in self._values else self._physical.get(name, "")

    def attribute(self, path: str) -> str:
        """The ARN or a name of a resource, by its physical id."""
        logical, _, attribute = path.partition(".")
        kind, physical = self._template["Resources"][logical]["Type"], self._physical.get(logical, "")
        name = physical if kind == "AWS::Logs::LogGroup" else (LAST_PART.search(physical) or [""])[0]
        if kind == "AWS::Events::Rule":
            bus = self.resolved(self._template["Resources"][logical]["Properties"].get("EventBusName", "default"))
            name = name if bus == "default" else f"{bus}/{name}"
        if attribute == "Arn" and kind in ARNS:
            place = {"region": self._values["AWS::Region"], "account": self._values["AWS::AccountId"], "name": name}
            return f"arn:{self._values['AWS::Partition']}:{ARNS[kind].format(**place)}"
        return name if attribute.endswith("Name") else physical
