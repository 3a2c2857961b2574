"""Roles of templates against what is needed: what is missing, and what nothing needs."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from statemachines.definitions import FUSED, MACHINES, filled
from statemachines.deploy.permissions.machines import Place, needs_of_machine, noted
from statemachines.deploy.permissions.needs import Need, missing, unused
from statemachines.deploy.permissions.template import Template
from statemachines.deploy.permissions.works import needs_of_roles, needs_of_settings

FORMS = ("ndr-15m-streaming", FUSED)
"""Forms of the 15-minute pipeline: versions of machines that were published with the other one may be live again."""
EARLIER = {"sfn_ndr_backfill_reprocessing": ("ndr-15m-streaming",)}
"""Pipelines that versions of machines start which earlier releases published."""


@dataclass(frozen=True)
class Finding:
    """Something that a role lacks, or has and does not need."""

    role: str
    text: str

    def __str__(self) -> str:
        return f"role {self.role} {self.text}"


def place_of(template: Template) -> Place:
    """Where the machines of templates are."""
    return Place(template.here, template.values.get("Environment", ""), template.outputs)


def needs(template: Template, machines: Collection[str]) -> dict[str, list[Need]]:
    """What each role of the templates needs, by its name, if these machines are deployed."""
    place = place_of(template)
    roles = template.statements().keys()
    found = {role: wanted for role, wanted in needs_of_roles(place).items() if role in roles}
    outputs = [{**place.outputs, "PipelineName15m": f"{place.environment}{form}"} for form in FORMS]
    definitions = {machine: [json.loads(filled(machine, values)) for values in outputs] for machine in machines}
    former = noted(definition for forms in definitions.values() for definition in forms)
    for machine, forms in definitions.items():
        role = template.outputs[MACHINES[machine]].rpartition("/")[2]
        found[role] = list(_of_machine(machine, forms, place, former))
    return {role: [*wanted, *needs_of_settings(role, wanted, template.values, place)] for role, wanted in found.items()}


def _of_machine(
    machine: str, forms: Iterable[Mapping[str, Any]], place: Place, former: Collection[str]
) -> Iterator[Need]:
    for definition in forms:
        yield from needs_of_machine(definition, machine, place, former)
    for pipeline in EARLIER.get(machine, ()):
        name = f"arn:aws:sagemaker:{place.here}:pipeline/{place.environment}{pipeline}"
        yield Need("sagemaker:StartPipelineExecution", name)


def findings(template: Template, machines: Collection[str]) -> list[Finding]:
    """What roles of the templates lack; empty if nothing."""
    permitted = template.statements()
    return [
        Finding(role, f"lacks {need}")
        for role, wanted in needs(template, machines).items()
        for need in missing(wanted, permitted[role])
    ]


def superfluous(template: Template, machines: Collection[str]) -> list[Finding]:
    """What roles of the templates permit though nothing needs it."""
    wanted = needs(template, machines)
    return [
        Finding(role, f"permits {action} on {resource} ({statement.place}), which nothing needs")
        for role, statements in template.statements().items()
        for statement, action, resource in unused(wanted.get(role, []), statements)
    ]
