"""What the environment says about this server."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

STEP_KINDS = ("process", "docker")


class SettingsError(Exception):
    """A variable of the environment is missing or wrong."""


def _required(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise SettingsError(
            f"{name} is not set. ndr-local up sets it; by hand, export {name} before starting the server"
        )
    return value


def _number(name: str, default: float, least: float) -> float:
    text = os.environ.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = least - 1
    if value < least:
        raise SettingsError(f"{name}={text} is not a number of at least {least:g}. Set it to one, or leave it out")
    return value


@dataclass(frozen=True)
class Settings:
    """One server: where it listens, keeps its state, and how it runs steps."""

    home: Path
    port: int
    step_bin: Path
    steps: str
    step_slots: int
    step_grace_seconds: float
    step_mounts: tuple[Path, ...]

    @classmethod
    def from_environment(cls) -> Settings:
        """The settings of this process; raises SettingsError naming the variable."""
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
        """The URL under which this server answers."""
        return f"http://127.0.0.1:{self.port}"

    def child_environment(self) -> dict[str, str]:
        """Environment of a process that works against this server: its endpoint, credentials and region."""
        return {
            **os.environ,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def prepare_ministack(self) -> None:
        """Tell ministack, which reads its environment on import, where to keep S3; `persistence` keeps the rest."""
        os.environ.update(
            GATEWAY_PORT=str(self.port),
            S3_PERSIST="1",
            S3_DATA_DIR=str(self.home / "s3"),
            PERSIST_STATE="0",
        )
        os.environ.setdefault("LOG_LEVEL", "WARNING")
