"""NDJSON files from the landing bucket to Parquet, by what the templates deploy to a local AWS."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from localaws.cli.process import LocalAws
from statemachines.deploy.stack import deploy_stack
from statemachines.generation.files import ALARMS, ROOT
from tests.e2e.ingestion import RECORDS, Deployed, deploy, lines
from tests.localaws.running import lead_to, wait_for

pytestmark = pytest.mark.slow

FILES = 24
ROUTES = json.dumps({"fw/": {"route": "ndr", "organisation": "acme/emea"}})
SETTINGS = {
    "MaxFilesPerManifest": "12",
    "MinFilesForPartialBatch": "12",  # what is left waits for the flush
    "MaxConcurrentBuilders": "2",
    "ReservedBuilders": "3",
    "SchedulesState": "DISABLED",
    "Routes": ROUTES,
}


@pytest.fixture(scope="module")
def deployed(start_local_aws: Callable[..., LocalAws], tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    return deploy(start_local_aws, tmp_path_factory.mktemp("ingestion"), SETTINGS)


def test_every_record_is_in_the_parquet_once(deployed: Deployed) -> None:
    assert deployed.tool("reprocess", "--all") == "no manifest has failed\n"
    keys = [f"conn log/{number:03}-2026-03-10.ndjson" for number in range(FILES)]
    for key in keys:
        deployed.put(key, lines(key), announced=3)
    deployed.put("notes.txt", "not a log\n")
    wait_for(lambda: (found := deployed.status())["files"]["quarantined"] == 1 and found["queue"] == 0, 60)
    deployed.tool("flush")
    status = deployed.settled(completed=FILES)
    assert {state: n for state, n in status["files"].items() if n} == {"completed": FILES, "quarantined": 1}
    assert {state for state, n in status["manifests"].items() if n} == {"completed"}
    assert (status["oldest_pending_seconds"], status["dead_letters"], status["late"]) == (None, 0, [])
    found = Counter(row["id"] for row in deployed.rows("merged-parquet-2026-03-10/"))
    assert found == Counter(f"{key}/{number}" for key in keys for number in range(RECORDS))
    steps = [json.loads(line)["step"] for line in deployed.tool("trace", keys[0]).splitlines()]
    assert steps == ["tracked", "manifest", "execution", "run", "parquet", "state"]


def test_what_is_quarantined_is_released_and_what_failed_is_reprocessed(deployed: Deployed) -> None:
    deployed.put("export-2026-03-11.json", '{"id": "released"}\n')
    wait_for(lambda: deployed.status()["dates"].get("2026-03-11"), 60)
    assert "invalid extension" in deployed.tool("trace", "export-2026-03-11.json")
    bucket = deployed.outputs["LandingBucketName"]
    assert deployed.tool("release", "export-2026-03-11.json") == f"s3://{bucket}/export-2026-03-11.json: pending\n"
    deployed.put("mixed-2026-03-11.ndjson", '{"id": "kept"}\nno record\n')
    wait_for(lambda: sum(deployed.status()["dates"]["2026-03-11"]["files"].values()) == 2, 60)
    deployed.tool("flush")
    status = deployed.settled(failed=1)
    failed = json.loads(deployed.tool("trace", "mixed-2026-03-11.ndjson").splitlines()[-2])
    assert failed["step"] == "failed"
    assert "1 of 3 lines are no records" in failed["what"]
    assert status["manifests"]["failed"] == 1
    assert ": attempt 2\n" in deployed.tool("reprocess", "--all")


def test_a_routed_manifest_is_announced_as_a_batch(deployed: Deployed) -> None:
    deployed.put("fw/log-2026-03-12.ndjson", lines("fw"))
    wait_for(lambda: deployed.status()["dates"].get("2026-03-12"), 60)
    deployed.tool("flush")
    wait_for(lambda: deployed.status()["dates"]["2026-03-12"]["files"] == {"completed": 1}, 60)
    bucket = deployed.outputs["IngestionBucketName"]
    listed = deployed.s3.list_objects_v2(Bucket=bucket, Prefix="fw_paloalto/acme/emea/2026/03/12/")
    (entry,) = listed["Contents"]
    assert entry["Key"].endswith("-00001-of-00001.parquet")
    executions = deployed.run("ndr-local", "executions", "--home", str(deployed.local.home)).stdout.splitlines()
    started = [found for found in map(json.loads, executions) if found["machine"] == "sfn_ndr_15m_features_inference"]
    # it is announced once; the organisation has no project here
    assert [found["status"] for found in started] == ["FAILED"]


def test_a_poisoned_message_becomes_a_dead_letter_and_returns(deployed: Deployed) -> None:
    sqs, queue = deployed.sqs, deployed.outputs["IngestionQueueUrl"]
    dead = deployed.outputs["IngestionDeadLetterQueueUrl"]
    sqs.send_message(QueueUrl=dead, MessageBody=json.dumps({"Event": "s3:TestEvent"}))
    assert deployed.run("ndr-ingestion", "status").returncode == 1
    assert deployed.tool("redrive") == "messages put back: 1\n"
    wait_for(lambda: (found := deployed.status())["dead_letters"] == 0 and found["queue"] == 0, 30)
    assert sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]


def test_a_file_that_waits_sets_its_alarm_off_until_it_is_taken(deployed: Deployed, tmp_path: Path) -> None:
    template, local = tmp_path / "observability.yaml", deployed.local
    text = (ROOT / ALARMS).read_text()
    assert text.count("Threshold: 1800\n") == 2  # seconds instead of minutes, as the file waits in earnest
    template.write_text(re.sub(r"Period: \d+", "Period: 5", text.replace("Threshold: 1800\n", "Threshold: 2\n")))
    with pytest.MonkeyPatch.context() as patch:
        lead_to(local, patch)
        deploy_stack(local.client("cloudformation"), "ndr-observability", {}, template)

    def is_on() -> bool:
        local.client("lambda").invoke(FunctionName="ndr-manifest-builder", Payload="{}")  # as the sweep does
        (alarm,) = local.client("cloudwatch").describe_alarms(AlarmNames=["ndr-oldest-pending-file"])["MetricAlarms"]
        return bool(alarm["StateValue"] == "ALARM")

    assert not is_on()
    deployed.put("waits-2026-03-13.ndjson", lines("waits"))
    wait_for(is_on, 60)
    assert deployed.status()["dates"]["2026-03-13"]["files"] == {"pending": 1}
    deployed.tool("flush")
    wait_for(lambda: not is_on(), 60)
    wait_for(lambda: deployed.status()["dates"]["2026-03-13"]["files"] == {"completed": 1}, 60)
