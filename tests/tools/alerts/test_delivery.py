"""Channels of a project's settings, whose secrets are in Secrets Manager."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from localaws.cli.process import LocalAws
from tests.commands import call
from tests.common.detection.alerts.alerting_lake import PAIR, write_alerts
from tests.localaws.running import unique
from tests.tools.alerts.receiving import receiving
from tools.alerts import delivery
from tools.alerts.cli import main


def secret(aws: LocalAws, text: str) -> str:
    """The name of a new secret."""
    name = unique("ndr/alerts/")
    aws.client("secretsmanager").create_secret(Name=name, SecretString=text)
    return name


def settings(folder: Path, **channels: dict[str, str]) -> str:
    path = folder / f"{unique('settings')}.yaml"
    path.write_text(yaml.safe_dump({"alerts": channels}))
    return str(path)


def deliver(lake: str, source: str, name: str = "all") -> tuple[int, dict[str, Any], str]:
    code, said, error = call(main, "--lake", lake, "--parameters", source, "--deliver", name)
    return code, json.loads(said) if said else {}, error


@pytest.mark.slow
def test_each_channel_gets_each_case_once_and_one_that_fails_holds_up_no_other(
    lake: str, tmp_path: Path, aws_environment: LocalAws
) -> None:
    with receiving(400) as failing, receiving() as taking:
        broken, working = (
            {"secret": secret(aws_environment, json.dumps({"url": receiver.url, "secret": "hush"}))}
            for receiver in (failing, taking)
        )
        source = settings(tmp_path, broken=broken, working=working | {"template": "slack"})
        code, said, error = deliver(lake, source)
        assert code == 1 and said["taken"] == {"broken": 1, "working": 2}
        assert "1 channel of 2 failed: channel broken: 127.0.0.1 answers 400" in error
        assert "hush" not in error and failing.url not in error
        assert deliver(lake, source)[1]["taken"] == {"broken": 1, "working": 0}
        assert deliver(lake, source)[1]["taken"] == {"broken": 0, "working": 0}
        assert len(taking.bodies) == 2 and len(failing.bodies) == 3
        assert "text" in json.loads(taking.bodies[0])  # as Slack expects
        assert deliver(lake, source, "working")[1]["taken"] == {"working": 0}


def test_a_channel_that_refuses_everything_is_left_alone(
    tmp_path: Path, aws_environment: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "REFUSALS_MOST", 2)
    write_alerts(tmp_path, [(at, at, PAIR | {"peer_ip": f"203.0.113.{at}"}) for at in range(3, 7)])
    with receiving(*[403] * 9) as receiver:
        source = settings(tmp_path, soc={"secret": secret(aws_environment, json.dumps({"url": receiver.url}))})
        assert deliver(str(tmp_path), source)[0] == 1
    assert len(receiver.bodies) == 2  # of four cases


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no JSON", "is no JSON object of texts"),
        ('["https://example.com"]', "is no JSON object of texts"),
        ('{"url": 5}', "is no JSON object of texts"),
        ("{}", "is no https:// address"),
        ('{"url": "http://example.com/T0K3N"}', "is no https:// address"),
        ('{"url": "https://example.com/T0K3N"}', "has no routing key"),
    ],
)
def test_a_secret_that_does_not_fit_is_named_without_its_value(
    lake: str, tmp_path: Path, aws_environment: LocalAws, text: str, said: str
) -> None:
    name = secret(aws_environment, text)
    code, found, error = deliver(lake, settings(tmp_path, soc={"secret": name, "template": "pagerduty"}))
    assert code == 1 and said in error and name in error
    assert "T0K3N" not in error + json.dumps(found)


def test_unknown_channels_and_secrets_are_named(lake: str, tmp_path: Path, aws_environment: LocalAws) -> None:
    code, _, error = deliver(lake, settings(tmp_path))
    assert code == 1 and "have no channel all; they have none" in error
    code, _, error = deliver(lake, settings(tmp_path, soc={"secret": "ndr/alerts/none"}), "chat")
    assert code == 1 and "have no channel chat; they have soc" in error
    code, _, error = deliver(lake, settings(tmp_path, soc={"secret": "ndr/alerts/none"}))
    assert code == 1 and "the secret ndr/alerts/none could not be read" in error
    assert call(main, "--lake", lake, "--deliver", "all", "--channel", "soc")[0] == 2
