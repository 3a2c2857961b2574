"""Types of what the command line of the pipelines is given."""

from __future__ import annotations

import re
from typing import Any

import click

from pipelines.definitions import names

ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)


class PipelineNameType(click.ParamType[str]):
    """The name of a pipeline that has a definition."""

    name = "pipeline"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name; fails with a usage error that lists the known ones."""
        if value not in names():
            self.fail(f"{value!r} is not a pipeline. Choose one of {', '.join(names())}", param, ctx)
        return str(value)


class RoleArnType(click.ParamType[str]):
    """The ARN of an IAM role."""

    name = "role"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The ARN; fails with a usage error that names the value."""
        if not ROLE_ARN.fullmatch(value):
            self.fail(
                f"{value!r} is not the ARN of a role. Use the form arn:aws:iam::123456789012:role/ndr", param, ctx
            )
        return str(value)


class AssignmentType(click.ParamType[tuple[str, str]]):
    """A name and a value."""

    name = "assignment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """The name and the value; fails with a usage error that names what was given."""
        if isinstance(value, tuple):
            return value
        name, sign, assigned = value.partition("=")
        if not (name and sign):
            self.fail(f"{value!r} is not an assignment. Use the form NAME=VALUE", param, ctx)
        return name, assigned
