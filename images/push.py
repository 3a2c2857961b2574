"""Pushes the images of the bake file to ECR: python images/push.py [target ...].

Logs in with the AWS credentials of the environment, makes the repositories what statemachines/stacks/registry.yaml
says, then builds and pushes the images whose tag does not exist yet. TAG is the tag; REGISTRY overrides the account's
registry.
Then keeps both for ndr-pipelines, which deploys the images of the last push.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from common.aws.clients import aws_errors, client
from common.errors import InputError, StorageError
from common.runtime.cli import report_errors
from pipelines.images import PUSHED, record_push
from statemachines.deploy.registry import STACK, deploy_registry


@click.command()
@click.argument("targets", nargs=-1)
@click.option("--record", type=click.Path(dir_okay=False, path_type=Path), default=PUSHED, help="Where both are kept.")
@report_errors
def main(targets: Sequence[str], record: Path) -> None:
    """Push targets or groups of the bake file, by default all images."""
    tag = os.environ.get("TAG", "")
    if not tag or tag.endswith("-dirty"):
        raise InputError(
            f"the tag {tag!r} does not name a commit", "Commit first: a pushed image must come from the history"
        )
    with aws_errors("ECR lets nobody in"):
        answer = client("ecr").get_authorization_token()["authorizationData"][0]
    registry = os.environ.get("REGISTRY") or answer["proxyEndpoint"].removeprefix("https://")
    user, _, password = base64.b64decode(answer["authorizationToken"]).decode().partition(":")
    environment = {**os.environ, "REGISTRY": registry, "TAG": tag}
    with _logged_in(registry, user, password):
        images = _images(targets or ["default"], environment)
        click.echo(f"stack {STACK}: {deploy_registry({})}")
        missing = {reference: target for reference, target in images.items() if not _exists(reference)}
        for reference in images.keys() - missing.keys():
            click.echo(f"{reference} exists already")
        if missing:
            _run("docker", "buildx", "bake", "--push", *missing.values(), environment=environment)
    record_push(registry, tag, record)


@contextmanager
def _logged_in(registry: str, user: str, password: str) -> Iterator[None]:
    """A login to the registry that leaves no password on this machine."""
    _run("docker", "login", "--username", user, "--password-stdin", registry, text=password)
    try:
        yield
    finally:
        _run("docker", "logout", registry)


def _images(targets: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """The target of each image reference in the bake file."""
    plan = json.loads(
        _run("docker", "buildx", "bake", "--progress", "quiet", "--print", *targets, environment=environment)
    )
    return {reference: name for name in _members("default", plan) for reference in plan["target"][name]["tags"]}


def _members(group: str, plan: Mapping[str, Any]) -> Iterator[str]:
    """The targets of a group and of its nested groups, without targets they only build on."""
    for name in plan["group"][group]["targets"]:
        yield from _members(name, plan) if name in plan["group"] else (name,)


def _exists(reference: str) -> bool:
    command = ["docker", "buildx", "imagetools", "inspect", reference]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _run(*command: str, environment: Mapping[str, str] | None = None, text: str | None = None) -> str:
    try:
        done = subprocess.run(command, env=environment, input=text, text=True, stdout=subprocess.PIPE, check=False)
    except FileNotFoundError:
        raise StorageError(
            f"{command[0]} is not installed here", "Install Docker with Buildx, or use images/engine.sh up"
        ) from None
    if done.returncode:
        raise StorageError(f"{' '.join(command[:4])} failed with exit code {done.returncode}", "See its error above")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
