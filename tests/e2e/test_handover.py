"""What people get of a published window: the page in the bucket, and each case once, whatever fails on the way."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from localaws.cli.deployment import deploy
from localaws.cli.process import LocalAws
from tests.commands import command_line
from tests.common.detection.alerts.alerting_lake import PAIR, within, write_alerts
from tests.common.detection.model_lake import host
from tests.localaws.running import write_step
from tests.statemachines.control_plane import ARTIFACTS, BIN, ControlPlane, window
from tests.tools.alerts.receiving import Receiver, receiving

pytestmark = pytest.mark.slow

PUBLICATION = "sfn_ndr_prediction_publication"


@dataclass(frozen=True)
class Handing:
    """A project with two cases and a channel, on a control plane whose joins do nothing."""

    plane: ControlPlane
    receiver: Receiver

    def publish(self, number: int) -> dict[str, Any]:
        """Publishes a window: the handover of it, once it has ended."""
        start, end = window(number)
        message = {"project_name": "local", "mini_batch_id": "b", "batch_start_ts_iso": start, "batch_end_ts_iso": end}
        published = self.plane.run(PUBLICATION, message)
        assert published["status"] == "SUCCEEDED", published
        return self.plane.finish(json.loads(published["output"])["handover"])


@pytest.fixture(scope="module")
def handing(start_local_aws: Callable[..., LocalAws], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handing]:
    folder = tmp_path_factory.mktemp("handover")
    (folder / "lake").mkdir()
    write_alerts(folder / "lake", [(0, 3, within(5, 445)), (1, 5, within(3, 445, inbound=True)), (2, 6, PAIR)])
    write_step(folder / "bin", "ndr-join", "true")
    for name in ("ndr-page", "ndr-alerts"):
        write_step(folder / "bin", name, f'exec "{BIN}/{name}" "$@"')
    aws = start_local_aws(step_bin=folder / "bin", SFN_WAIT_SCALE="0.02")
    project = {
        "project_name": "local",
        "organisations": ["acme/emea"],
        "settings": {"alerts": {"soc": {"secret": "ndr/alerts/soc"}}},
        "orchestration": {
            "lake_uri": str(folder / "lake"),
            "ingestion_prefix": "s3://ndr-ingestion-000000000000-us-east-1/acme/emea",
            "poll_seconds": 5,
            "page": True,
            "alerts": True,
        },
    }
    (folder / "project.yaml").write_text(yaml.safe_dump(project))
    deploy(aws, [folder / "project.yaml"], fused=True, parameters=["SchedulesState=DISABLED"])
    with receiving() as receiver:
        secret = json.dumps({"url": receiver.url, "secret": "hush"})
        aws.client("secretsmanager").create_secret(Name="ndr/alerts/soc", SecretString=secret)
        yield Handing(ControlPlane(aws, folder), receiver)


def page_of(handing: Handing, name: str) -> Any:
    return handing.plane.aws.client("s3").get_object(Bucket=ARTIFACTS, Key=f"page/local/{name}")


def test_a_receiver_that_fails_does_not_hold_up_the_page_or_the_publication(handing: Handing) -> None:
    handing.receiver.answers[:] = [400] * 6
    failed = handing.publish(0)
    assert (failed["status"], failed["error"]) == ("FAILED", "Ndr.HandoverFailed")
    assert "channel soc: 127.0.0.1 answers 400" in failed["cause"]
    assert len(handing.receiver.bodies) == 6  # both cases, and again twice
    assert len({headers["idempotency-key"] for headers in handing.receiver.headers}) == 2
    page = page_of(handing, "latest.html")
    assert page["ContentType"] == "text/html; charset=utf-8" and page["CacheControl"] == "private, no-store"
    text = page["Body"].read()
    assert text == page_of(handing, "2026-03-10.html")["Body"].read()
    assert b"2 cases" in text and host(6).encode() in text
    logs = [path.read_bytes() for path in handing.plane.aws.home.glob("logs/ndr-alerts/*/*.log")]
    assert len(logs) == 3
    assert not [log for log in logs if b"/hook" in log or b"hush" in log]


def test_the_next_window_hands_over_what_was_left_and_the_one_after_it_nothing(handing: Handing) -> None:
    handing.receiver.bodies.clear()
    handing.receiver.headers.clear()
    done = handing.publish(1)
    assert json.loads(done["output"])["status"] == "SUCCEEDED", done
    assert len(handing.receiver.bodies) == 2
    assert len({headers["idempotency-key"] for headers in handing.receiver.headers}) == 2
    assert all(headers["x-ndr-signature"].startswith("sha256=") for headers in handing.receiver.headers)
    again = handing.publish(2)
    assert json.loads(again["output"])["status"] == "SUCCEEDED"
    assert len(handing.receiver.bodies) == 2


def test_windows_that_are_published_at_once_send_nothing_twice(handing: Handing) -> None:
    handing.receiver.bodies.clear()
    lake = Path(handing.plane.folder / "lake" / "handovers")
    for path in sorted(lake.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    lake.rmdir()  # as if nothing had been handed over
    states = handing.plane.aws.client("stepfunctions")
    machine = handing.plane.machine("sfn_ndr_handover")
    started = [
        states.start_execution(stateMachineArn=machine, input=json.dumps({"project_name": "local"}))["executionArn"]
        for _ in range(3)
    ]
    ended = [json.loads(handing.plane.finish(arn)["output"])["status"] for arn in started]
    assert ended.count("SUCCEEDED") >= 1 and set(ended) <= {"SUCCEEDED", "INCLUDED"}
    assert len(handing.receiver.bodies) == 2


def test_the_page_of_the_lake_is_served_live(handing: Handing) -> None:
    line = command_line("ndr-local", "ui", "--home", str(handing.plane.aws.home))
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as served:
        try:
            assert served.stdout
            address = served.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:")
            with urllib.request.urlopen(address, timeout=60) as answer:
                assert b"2 cases" in answer.read()
        finally:
            served.terminate()
    unknown = command_line("ndr-local", "ui", "--home", str(handing.plane.aws.home), "--project-name", "other")
    done = subprocess.run(unknown, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "has no project other" in done.stderr
