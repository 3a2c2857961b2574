"""The command line of a processing step: the stage's own command, or its image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localaws.processes.jobs import Command
from localaws.processes.programs import check_program, check_variables
from localaws.server.settings import Settings, aws_environment
from localaws.services.sagemaker.expressions import text


def image_name(uri: str) -> str:
    """The last part of an image's name without tag and digest: the command of its stage."""
    return uri.partition("@")[0].rpartition("/")[2].partition(":")[0]


def command(settings: Settings, arguments: Mapping[str, Any], place: Path, name: str, role: str = "") -> Command:
    """The command of a step with its resolved arguments, and its role; `place` is <pipeline>/<execution>/<step>.

    Raises:
        ProgramError: it is not the command of a stage, or sets variables that are not the stages' own.
    """
    specification = arguments["AppSpecification"]
    uri = text(specification["ImageUri"])
    entrypoint = [text(part) for part in specification.get("ContainerEntrypoint") or [image_name(uri)]]
    line = [text(part) for part in specification.get("ContainerArguments") or []]
    program, *words = entrypoint
    for word in {program, image_name(uri)} if settings.steps == "docker" else {program}:
        check_program(word, settings.step_commands)
    given = {key: text(value) for key, value in (arguments.get("Environment") or {}).items()}
    check_variables(given)
    scratch = settings.home / "scratch" / place
    limit = (arguments.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds")
    environment = {**settings.child_environment(), **given, "TMPDIR": str(scratch)}
    container = None
    if settings.steps == "docker":
        container = "-".join(("ndr", *place.parts[1:], str(settings.port))).lower()
        run = [*_docker_options(settings, given, container), "--entrypoint", program]
        full = ("docker", "run", *run, "--", uri, *words, *line)
    else:
        full = (str(settings.step_bin / program), *words, *line)
    return Command(
        name=name,
        arguments=full,
        environment=environment,
        folder=scratch,
        log=(settings.home / "logs" / place).with_suffix(".log"),
        role=role,
        container=container,
        timeout_seconds=float(limit) if limit else None,
    )


def _docker_options(settings: Settings, given: Mapping[str, str], container: str) -> list[str]:
    """Options of docker run: the host's network, where the endpoint is the same, variables and mounted folders.

    Docker takes the values of the variables from its own environment: everybody can see its command line.
    """
    options = ["--rm", "--name", container, "--network", "host"]
    session = ["AWS_SESSION_TOKEN"] if settings.roles else []
    for name in [*aws_environment(settings.endpoint, settings.credential), *session, *given]:
        options += ["--env", name]
    for folder in settings.step_mounts:
        options += ["--volume", f"{folder}:{folder}"]
    return options
