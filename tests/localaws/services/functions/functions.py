"""Functions of the tests, whose program is `program.py`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from localaws.cli.process import LocalAws
from tests.localaws.running import unique, wait_for, write_step

IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/ndr-function:1"
ROLE = "arn:aws:iam::000000000000:role/function"


def write_function(step_bin: Path) -> None:
    """Puts the program in the place of the command `ndr-function`."""
    write_step(step_bin, "ndr-function", f'exec {sys.executable} {Path(__file__).with_name("program.py")} "$@"')


def create(local: LocalAws, **members: Any) -> str:
    """A new function, ready to be invoked; its name."""
    name = unique("function")
    given = {"PackageType": "Image", "Code": {"ImageUri": IMAGE}, "Role": ROLE, "Timeout": 20, **members}
    client = local.client("lambda")
    client.create_function(FunctionName=name, **given)
    wait_for(lambda: client.get_function_configuration(FunctionName=name)["State"] == "Active")
    return name


def invoke(local: LocalAws, name: str, **event: Any) -> Any:
    """What a function answers to an event."""
    answer = local.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return json.loads(answer["Payload"].read())
