"""What a function runs: the command that its image is named like. Everything else is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from localaws.processes.jobs import Command
from localaws.processes.programs import FUNCTION_VARIABLES, ProgramError, check_program, check_variables
from localaws.server.settings import Settings
from localaws.services.sagemaker.commands import image_name

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # it is the name of a folder and of a log here
_UNUSED = ("DurableConfig", "FileSystemConfigs", "Layers", "SnapStart", "TenancyConfig")


def check(settings: Settings, function: Mapping[str, Any]) -> None:
    """Refuses what is not run: code in an archive, layers, other commands than those of the stages.

    The function is as a request or a template has it.

    Raises:
        ProgramError: it says what is not run.
    """
    name, code = str(function.get("FunctionName", "")), function.get("Code") or {}
    if name and not _NAME.fullmatch(name):
        raise ProgramError(f"the function name {name!r} is not one of letters, digits, - and _, at most 64")
    check_code(settings, code, function.get("PackageType"))
    check_settings(settings, function)


def check_code(settings: Settings, code: Mapping[str, Any], package_type: object = None) -> None:
    """Refuses code other than an image that is named like a command.

    Raises:
        ProgramError: it is an archive, or another image.
    """
    if package_type not in (None, "Image") or set(code) & {"ZipFile", "S3Bucket", "S3Key"} or not code.get("ImageUri"):
        raise ProgramError("only functions of images (PackageType Image, Code.ImageUri) are run, no archives of code")
    check_program(image_name(str(code["ImageUri"])), settings.step_commands)


def check_settings(settings: Settings, function: Mapping[str, Any]) -> None:
    """Refuses settings that would run something else than the image's command.

    Raises:
        ProgramError: they name another command, variables of other programs, or what is not emulated.
    """
    if unused := [name for name in _UNUSED if function.get(name) not in (None, [], {}, {"ApplyOn": "None"})]:
        raise ProgramError(f"{', '.join(unused)} of functions is not supported by the local AWS")
    image = function.get("ImageConfig") or {}
    for word in (image.get("EntryPoint") or [])[:1]:
        check_program(str(word), settings.step_commands)
    if image.get("WorkingDirectory"):
        raise ProgramError("ImageConfig.WorkingDirectory is not supported by the local AWS")
    check_variables((function.get("Environment") or {}).get("Variables") or {}, FUNCTION_VARIABLES)


def command(settings: Settings, config: Mapping[str, Any], runtime_api: str, identifier: str) -> Command:
    """The command of a process of a function; `runtime_api` is the address at which it gets its invocations.

    Raises:
        ProgramError: the function is not one that is run.
    """
    image = (config.get("ImageConfigResponse") or {}).get("ImageConfig") or {}
    code = {"ImageUri": config.get("ImageUri")}
    check(settings, {**config, "ImageConfig": image, "Code": code, "SnapStart": None})
    program, *words = image.get("EntryPoint") or [image_name(str(config["ImageUri"]))]
    name, scratch = str(config["FunctionName"]), settings.home / "scratch" / "lambda" / identifier
    own = {
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": str(config.get("Version", "$LATEST")),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": identifier,
        "TMPDIR": str(scratch),
    }
    given = (config.get("Environment") or {}).get("Variables") or {}
    return Command(
        name=f"function {name}",
        arguments=(str(settings.step_bin / program), *map(str, words), *map(str, image.get("Command") or [])),
        environment={**settings.child_environment(), **{key: str(value) for key, value in given.items()}, **own},
        folder=scratch,
        log=settings.home / "logs" / "lambda" / f"{name}.log",
        role=str(config.get("Role", "")),
    )
