"""What is looked at before a deployment changes anything: all that is wrong is said at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from common.errors import DeploymentError, NdrError, ParametersError, one_line
from common.runtime.sources import sources_digest
from common.storage.drafts import draft
from pipelines.definitions import ROOT, check_current
from statemachines.definitions import placeholders, text_of
from statemachines.deploy.parts import machines_of, stacks_of
from statemachines.deploy.projects import read_project
from statemachines.deploy.quotas import check_quotas
from statemachines.deploy.stack import check_parameters
from statemachines.deploy.taken_names import check_buckets, check_role_names
from statemachines.deploy.templates import outputs_of

TEMPLATES_FOLDER = "statemachines/stacks"
CFN_LINT = "import sys; from cfnlint.runner import main; sys.exit(main())"
LINTED = ROOT / "build" / "templates-linted"
"""Holds the digest of the templates and of the cfn-lint that last accepted them."""

Check = Callable[[], object]
"""Raises an error that names value, place and remedy where something is wrong."""


def run(checks: Iterable[Check]) -> None:
    """Raises one error with all that the checks find.

    Raises:
        NdrError: something is wrong.
    """
    found = [error for check in checks if (error := _error(check)) is not None]
    if len(found) > 1:
        raise ParametersError(f"nothing was changed, {len(found)} things are wrong", [str(error) for error in found])
    if found:
        raise found[0]


def checks(
    prefix: str, parts: Sequence[str], parameters: Mapping[str, str], projects: Sequence[Path]
) -> Iterator[Check]:
    """What is looked at of stacks, state machines, pipelines and projects, in the order in which it is said."""
    for name, value in parameters.items():
        yield partial(check_parameters, {name: value})
    for machine in machines_of(parts):
        yield partial(check_placeholders, machine, parts)
    if "ndr" in parts:
        yield check_current
    for project in projects:
        yield partial(read_project, project)
    given = {**parameters, "Environment": prefix}
    yield check_templates
    stacks = stacks_of(prefix, parts)
    yield lambda: check_buckets(stacks, given)
    yield lambda: check_role_names(prefix, stacks, given)
    yield lambda: check_quotas(prefix, stacks, parts, given)


def check_templates() -> None:
    """Refuses templates that cfn-lint refuses, where it is installed and there is a checkout.

    It takes seconds of the processor: it looks at them only if they, or it, differ since it last accepted them.

    Raises:
        DeploymentError: it refuses some.
    """
    if find_spec("cfnlint") is None or not (ROOT / "pyproject.toml").exists():
        return
    digest = sources_digest(ROOT, [TEMPLATES_FOLDER], version("cfn-lint"))
    if LINTED.exists() and LINTED.read_text() == digest:
        return
    paths = [str(path) for path in sorted((ROOT / TEMPLATES_FOLDER).glob("*.yaml"))]
    command = [sys.executable, "-c", CFN_LINT, "--format", "parseable", *paths]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        said = one_line((done.stdout or done.stderr).strip())
        raise DeploymentError(f"cfn-lint refuses the templates: {said}", "Correct them: make statemachines-template")
    try:
        LINTED.parent.mkdir(exist_ok=True)
        with draft(LINTED) as path:
            path.write_text(digest)
    except OSError as error:
        raise DeploymentError(f"{LINTED} cannot be written: {error}", "Make the folder writable") from None


def check_placeholders(machine: str, parts: Sequence[str]) -> None:
    """Refuses a state machine that names what no stack of these parts has.

    Raises:
        DeploymentError: a placeholder will have no value.
    """
    known = {name for stack in stacks_of("", parts) for name in outputs_of(stack.template)}
    if missing := sorted(placeholders(text_of(machine)) - known):
        raise DeploymentError(
            f"the state machine {machine} names {', '.join(missing)}, which no stack of the parts has",
            f"Deploy the part that has it, or leave {machine}'s out",
        )


def _error(check: Check) -> NdrError | None:
    try:
        check()
    except NdrError as error:
        return error
    return None
