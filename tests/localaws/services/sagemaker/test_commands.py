"""The command line of a step in Docker: what it runs, and what everybody can see of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localaws.credential import Credential
from localaws.processes.programs import ProgramError
from localaws.server.settings import STAGE_COMMANDS, Settings
from localaws.services.sagemaker.commands import command
from pipelines.definitions import load, names
from tests.localaws.services.sagemaker.pipelines import step

PLACE = Path("pipeline/execution/step")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    Credential.make(tmp_path)
    for name, value in (("NDR_LOCAL_HOME", tmp_path), ("NDR_STEP_BIN", tmp_path / "bin"), ("NDR_STEPS", "docker")):
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("NDR_STEP_COMMANDS", raising=False)
    return Settings.from_environment(step_umask=0o022)


def arguments(image: str, **members: Any) -> dict[str, Any]:
    found: dict[str, Any] = step("A", **members)["Arguments"]
    found["AppSpecification"] |= {"ImageUri": image, "ContainerArguments": ["--lake", "$(id)"]}
    return found


def test_secrets_are_in_the_environment_and_not_on_the_command_line(settings: Settings) -> None:
    made = command(settings, arguments("registry/ndr-delta:7", Environment={"NDR_X": "private"}), PLACE, "a step")
    line = " ".join(made.arguments)
    assert line.endswith("--env NDR_X --entrypoint ndr-delta -- registry/ndr-delta:7 --lake $(id)")
    assert "--env AWS_SECRET_ACCESS_KEY " in line
    for value in (settings.credential.secret, settings.credential.key_id, "private"):
        assert value not in line
        assert value in made.environment.values()


@pytest.mark.parametrize("image", ["evil.example/miner:1", "--privileged", "ubuntu", "ndr-delta/ubuntu:1"])
def test_an_image_of_another_name_is_refused(settings: Settings, image: str) -> None:
    given = arguments(image)
    given["AppSpecification"]["ContainerEntrypoint"] = ["ndr-delta"]
    with pytest.raises(ProgramError, match="is not the command of a stage"):
        command(settings, given, PLACE, "a step")


def test_the_commands_of_all_pipelines_are_run(settings: Settings) -> None:
    used = {
        word
        for name in names()
        for item in load(name)["Steps"]
        for word in item["Arguments"]["AppSpecification"]["ContainerEntrypoint"][:1]
    }
    assert settings.step_commands == STAGE_COMMANDS
    assert used and used <= STAGE_COMMANDS
