"""The server's settings, from environment variables."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

STEP_KINDS = ("process", "docker")
REGION = "us-east-1"


class SettingsError(Exception):
    """An environment variable is missing or invalid."""


def aws_environment(endpoint: str) -> dict[str, str]:
    """Variables that point AWS tools and SDKs to the local AWS at an endpoint."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _required(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise SettingsError(f"{name} is not set. Start the server with ndr-local up, or export {name} yourself")
    return value


def _number(name: str, default: float, least: float) -> float:
    text = os.environ.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = least - 1
    if value < least:
        raise SettingsError(f"{name}={text} is not a number of {least:g} or more. Correct it, or unset it")
    return value


@dataclass(frozen=True)
class Settings:
    """One server: its home folder and port, and how it runs steps."""

    home: Path
    port: int
    step_bin: Path
    steps: str
    step_slots: int
    step_grace_seconds: float
    step_mounts: tuple[Path, ...]

    @classmethod
    def from_environment(cls) -> Settings:
        """The settings of this process.

        Raises:
            SettingsError: a variable is missing or invalid.
        """
        steps = os.environ.get("NDR_STEPS") or "process"
        if steps not in STEP_KINDS:
            raise SettingsError(f"NDR_STEPS={steps} is unknown. Use one of {', '.join(STEP_KINDS)}")
        mounts = os.environ.get("NDR_STEP_MOUNTS", "")
        return cls(
            home=Path(_required("NDR_LOCAL_HOME")).resolve(),
            port=int(_number("GATEWAY_PORT", 4566, 1)),
            step_bin=Path(_required("NDR_STEP_BIN")).resolve(),
            steps=steps,
            step_slots=int(_number("NDR_STEP_SLOTS", os.cpu_count() or 1, 1)),
            step_grace_seconds=_number("NDR_STEP_GRACE", 10, 0),
            step_mounts=tuple(Path(part).resolve() for part in mounts.split(os.pathsep) if part),
        )

    @property
    def endpoint(self) -> str:
        """The endpoint URL of this server."""
        return f"http://127.0.0.1:{self.port}"

    def child_environment(self) -> dict[str, str]:
        """The environment of a child process that uses this server."""
        return {**os.environ, **aws_environment(self.endpoint)}

    def prepare_ministack(self) -> None:
        """Sets the variables that ministack reads on import: it stores S3 objects itself, `persistence` the rest."""
        os.environ.update(
            GATEWAY_PORT=str(self.port),
            S3_PERSIST="1",
            S3_DATA_DIR=str(self.home / "s3"),
            PERSIST_STATE="0",
        )
        os.environ.setdefault("LOG_LEVEL", "WARNING")
