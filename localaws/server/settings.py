"""The server's settings, from environment variables."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from common.runtime.catalog import STAGES
from localaws.credential import Credential, CredentialError

STEP_KINDS = ("process", "docker")
REGION = "us-east-1"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
HTTP_PORT = 80  # which clients leave out of the name
STAGE_COMMANDS = frozenset(stage.command for stage in STAGES)
HEALTH_PATH = "/_ndr/health"
PORT_TAKEN_CODE = 3
"""The exit code of a server whose port another program has taken."""
SERVER_HEADER = "ndr-local"
# ministack has 90 services, some of which run programs of a request: those in use
SERVICES = (
    "cloudformation,dynamodb,ecr,ecs,events,glue,iam,lambda,logs,monitoring,s3,scheduler,secretsmanager,sns,sqs,"
    "states,sts"
)
FUNCTIONS_AT_ONCE = 16
"""How many invocations of functions may run: each has a process. AWS's own default is 1,000."""


class SettingsError(Exception):
    """An environment variable is missing or invalid."""


def aws_environment(endpoint: str, credential: Credential) -> dict[str, str]:
    """Variables that point AWS tools and SDKs to the local AWS at an endpoint."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": credential.key_id,
        "AWS_SECRET_ACCESS_KEY": credential.secret,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _required(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise SettingsError(f"{name} is not set. Start the server with ndr-local up, or export {name} yourself")
    return value


def _words(name: str) -> frozenset[str]:
    return frozenset(os.environ.get(name, "").split())


def _number(name: str, default: float, least: float) -> float:
    text = os.environ.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = least - 1
    if value < least:
        raise SettingsError(f"{name}={text} is not a number of {least:g} or more. Correct it, or unset it")
    return value


def _flag(name: str) -> bool:
    text = os.environ.get(name) or "false"
    if text not in ("true", "false"):
        raise SettingsError(f"{name}={text} is neither true nor false. Correct it, or unset it")
    return text == "true"


def _quotas(name: str) -> dict[str, dict[str, float]]:
    text = os.environ.get(name) or "{}"
    try:
        return {
            service: {key: float(value) for key, value in found.items()} for service, found in json.loads(text).items()
        }
    except (ValueError, AttributeError, TypeError):
        raise SettingsError(
            f'{name}={text} is not of the form {{"iam": {{"Roles per account": 5}}}}. Correct it'
        ) from None


def _credential(home: Path) -> Credential:
    try:
        return Credential.of(home)
    except CredentialError as error:
        raise SettingsError(str(error)) from error


def _hosts(port: int) -> frozenset[str]:
    """The names of this server: those of the loopback interface, and `NDR_LOCAL_HOSTS` (with ports) of a forwarder."""
    own = {f"{name}:{port}" for name in LOOPBACK}
    return frozenset(own | (set(LOOPBACK) if port == HTTP_PORT else set()) | _words("NDR_LOCAL_HOSTS"))


@dataclass(frozen=True)
class Settings:
    """One server: its home folder, port, credential and names, and how it runs steps.

    `hosts` are the names, each with a port, under which it answers. `glue_minute_seconds` is the unit of the time
    limits of Glue's runs; tests shorten it. With `roles`, what steps, jobs, tasks and functions ask for is checked
    against the role of each, and noted in the file `asked`, if one is named. `quotas` are what Service Quotas says, by
    service and name; nothing heeds them here.
    """

    home: Path
    port: int
    credential: Credential
    hosts: frozenset[str]
    step_bin: Path
    steps: str
    step_slots: int
    step_grace_seconds: float
    step_mounts: tuple[Path, ...]
    step_commands: frozenset[str]
    step_umask: int
    function_idle_seconds: float
    glue_minute_seconds: float
    roles: bool
    asked: Path | None
    quotas: Mapping[str, Mapping[str, float]]

    @classmethod
    def from_environment(cls, step_umask: int) -> Settings:
        """The settings of this process; steps get the umask.

        Raises:
            SettingsError: a variable is missing or invalid, or the home folder has no credential.
        """
        home, port = Path(_required("NDR_LOCAL_HOME")).resolve(), int(_number("GATEWAY_PORT", 4566, 1))
        steps = os.environ.get("NDR_STEPS") or "process"
        if steps not in STEP_KINDS:
            raise SettingsError(f"NDR_STEPS={steps} is unknown. Use one of {', '.join(STEP_KINDS)}")
        mounts = os.environ.get("NDR_STEP_MOUNTS", "")
        return cls(
            home=home,
            port=port,
            credential=_credential(home),
            hosts=_hosts(port),
            step_bin=Path(_required("NDR_STEP_BIN")).resolve(),
            steps=steps,
            step_slots=int(_number("NDR_STEP_SLOTS", os.cpu_count() or 1, 1)),
            step_grace_seconds=_number("NDR_STEP_GRACE", 10, 0),
            step_mounts=tuple(Path(part).resolve() for part in mounts.split(os.pathsep) if part),
            step_commands=_words("NDR_STEP_COMMANDS") or STAGE_COMMANDS,
            step_umask=step_umask,
            function_idle_seconds=_number("NDR_FUNCTION_IDLE", 300, 0),
            glue_minute_seconds=_number("NDR_GLUE_MINUTE", 60, 0),
            roles=_flag("AUTH"),
            quotas=_quotas("NDR_LOCAL_QUOTAS"),
            asked=Path(asked).resolve() if (asked := os.environ.get("NDR_LOCAL_ASKED")) else None,
        )

    @property
    def endpoint(self) -> str:
        """The endpoint URL of this server."""
        return f"http://127.0.0.1:{self.port}"

    def child_environment(self) -> dict[str, str]:
        """The environment of a child process that uses this server, with the credential of the user."""
        own = {name: value for name, value in os.environ.items() if name != "AWS_SESSION_TOKEN"}
        return {**own, **aws_environment(self.endpoint, self.credential)}

    def prepare_ministack(self) -> None:
        """Sets the variables that ministack reads on import: it stores S3 objects itself, `persistence` the rest."""
        os.environ.update(
            GATEWAY_PORT=str(self.port),
            S3_PERSIST="1",
            S3_DATA_DIR=str(self.home / "s3"),
            STATE_DIR=str(self.home / "ministack"),  # where it would delete archives of functions that it does not know
            PERSIST_STATE="0",
            AUTH=str(self.roles).lower(),
            # who may do anything
            AWS_ACCESS_KEY_ID=self.credential.key_id,
            AWS_SECRET_ACCESS_KEY=self.credential.secret,
            SERVICES=SERVICES,
            LAMBDA_ACCOUNT_CONCURRENCY=str(FUNCTIONS_AT_ONCE),
            IOT_MTLS_ENABLED="0",
            SFTP_ENABLED="0",
        )
        os.environ.pop("AWS_SESSION_TOKEN", None)  # which ministack would ask of the credential
        os.environ.setdefault("LOG_LEVEL", "WARNING")
