"""Whatever starts a machine names its alias: a version that is published starts nothing until the alias is moved."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from statemachines.definitions import MACHINES, filled
from statemachines.deploy.publish import ALIAS
from tests.statemachines.template import Template

ARN = re.compile(r"arn:aws:states:[\w-]*:\d*:stateMachine:[\w-]+(?P<qualifier>:[\w-]+)?")
WITHOUT_ALIAS = ("AWS::IAM::", "AWS::CloudWatch::")
"""Resources that name all versions of a machine: what roles permit, and what alarms count."""


def named(text: str) -> Iterator[tuple[str, str | None]]:
    """The machines that a text names, and by what."""
    return ((found[0], found["qualifier"]) for found in ARN.finditer(text))


def test_resources_name_aliases() -> None:
    template = Template()
    found = [
        (name, *one)
        for name, resource in template.raw["Resources"].items()
        if not resource["Type"].startswith(WITHOUT_ALIAS)
        for one in named(json.dumps(template.resource(name)))
    ]
    assert {qualifier for _, _, qualifier in found} == {f":{ALIAS}"}, found
    assert len(found) > 3


def test_definitions_name_aliases() -> None:
    outputs = Template().outputs
    found = [(machine, *one) for machine in MACHINES for one in named(filled(machine, outputs))]
    assert {qualifier for _, _, qualifier in found} == {f":{ALIAS}"}, found
    assert len(found) > 3


def test_outputs_name_aliases() -> None:
    found = [one for name, value in Template().outputs.items() if name != "MachineArnPrefix" for one in named(value)]
    assert {qualifier for _, qualifier in found} == {f":{ALIAS}"}, found
