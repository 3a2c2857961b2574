"""Releases of an environment: what their record says, how one is tried, and what of the former ones is kept."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from common.errors import DeploymentError
from statemachines.deploy import environment, provenance
from statemachines.deploy.code import CUSTOMER_360_SCRIPTS, SCRIPTS, read_code
from statemachines.deploy.release_pruning import MOST, drop, prune
from statemachines.deploy.release_store import Record, Store
from tests.localaws.running import ROLE, wait_for
from tests.statemachines.deploy.deployer import Deployer
from tests.statemachines.deploy.keys import key_pair

LIVE, BUCKET = "dev-sfn_ndr_15m_features_inference", "dev-ndr-artifacts-000000000000-us-east-1"
FORM = "parts: [ndr, observability]\nparameters: {{PipelineName15mParameter: ndr-15m-streaming{}}}\n"
FOUR, FUSED = FORM.format(""), FORM.format("-fused")
ROLLBACK = ("rollback", "--release", "--environment", "dev")
TAG = "0123456789ab"
pytestmark = pytest.mark.slow


class Account:
    """An environment `dev`, whose file the tests write."""

    def __init__(self, deployer: Deployer, folder: Path, wheel: Path) -> None:
        self.deployer, self.folder, self.wheel = deployer, folder, wheel

    def up(self, text: str, *options: str) -> dict[str, str]:
        """What a deployment says of each part."""
        (self.folder / "dev.yaml").write_text(text)
        return self.told("up", "dev", "--signed", str(self.wheel), *options)

    def told(self, *words: str) -> dict[str, str]:
        done = self.deployer.run(*words)
        assert done.exit_code == 0, done.output
        return dict(line.split(": ", 1) for line in done.output.splitlines() if ": " in line)

    @property
    def record(self) -> dict[str, Any]:
        """The record of releases."""
        s3 = self.deployer.local.client("s3")
        found: dict[str, Any] = json.loads(s3.get_object(Bucket=BUCKET, Key="release.json")["Body"].read())
        return found

    @property
    def routes(self) -> dict[int, int]:
        """The percentage of the executions that each version of the machine gets."""
        arn = f"{self.deployer.arn(LIVE)}:live"
        found = self.deployer.states.describe_state_machine_alias(stateMachineAliasArn=arn)["routingConfiguration"]
        return {int(route["stateMachineVersionArn"].rpartition(":")[2]): route["weight"] for route in found}


@pytest.fixture
def account(deployer: Deployer, tmp_path: Path, wheel_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setattr(environment, "FILES", tmp_path)
    return Account(deployer, tmp_path, wheel_folder)


def test_a_release_is_tried_and_taken_back(account: Account) -> None:
    account.up(FUSED)
    deployer, arn = account.deployer, account.deployer.arn(LIVE)
    before = account.record["releases"]

    # an execution fails while new versions are tried
    with ThreadPoolExecutor(1) as pool:
        (account.folder / "dev.yaml").write_text(FOUR)
        words = ("up", "dev", "--signed", str(account.wheel), "--canary", "30%/2m")
        tried = pool.submit(deployer.run, *words)
        assert wait_for(lambda: account.routes if len(account.routes) > 1 else None, 120) == {1: 70, 2: 30}
        for machine in deployer.machines:
            deployer.states.start_execution(stateMachineArn=f"{deployer.arn(machine)}:live", input="[]")
        done = tried.result()
    assert done.exit_code == 1
    assert re.search(r"dev-ndr-sfn_\w+-Failed.* went off while 30 % of the executions started", done.output)
    assert account.routes == {1: 100}
    assert (account.record["underway"], account.record["current"]) == (None, 1)
    assert account.record["releases"] == before
    stack = deployer.local.client("cloudformation").describe_stacks(StackName="dev-ndr-control-plane")["Stacks"][0]
    outputs = {entry["OutputKey"]: entry["OutputValue"] for entry in stack["Outputs"]}
    assert outputs["PipelineName15m"] == "dev-ndr-15m-streaming-fused"  # the other parts went back as well

    # while the alarm is on, nothing is tried
    (account.folder / "dev.yaml").write_text(FOUR)
    refused = deployer.refusal("up", "dev", "--signed", str(account.wheel), "--canary", "30%/1s")
    assert re.search(r"a release cannot be tried while dev-ndr-sfn_\w+-Failed.* is on", refused)

    # without a canary, it is deployed; one that was killed while it was tried is taken back, or goes on
    assert account.up(FOUR)[LIVE] == "updated, live is version 2"
    assert account.told(*ROLLBACK)["release"] == "1"
    assert " machine " not in drifted(account, FUSED) and " alias " not in drifted(account, FUSED)
    states = deployer.states
    by_hand = {**deployer.definition(arn), "TimeoutSeconds": 11}
    states.update_state_machine(stateMachineArn=arn, definition=json.dumps(by_hand))
    assert f"dev: machine {LIVE}: definition.TimeoutSeconds" in drifted(account, FUSED)
    (account.folder / "dev.yaml").write_text(FOUR)
    split = [{"stateMachineVersionArn": f"{arn}:{number}", "weight": 50} for number in (1, 2)]
    alias = f"{arn}:live"
    for command, end in ((ROLLBACK, {1: 100}), (("up", "dev", "--signed", str(account.wheel)), {2: 100})):
        s3 = deployer.local.client("s3")
        s3.put_object(Bucket=BUCKET, Key="release.json", Body=json.dumps({**account.record, "underway": "deploy"}))
        deployer.states.update_state_machine_alias(stateMachineAliasArn=alias, routingConfiguration=split)
        assert account.told(*command)[LIVE]
        assert account.routes == end
        assert account.record["underway"] is None


def drifted(account: Account, text: str) -> str:
    """What differs from a file of the environment."""
    (account.folder / "dev.yaml").write_text(text)
    return account.deployer.run("drift").output


def test_a_signed_release_is_deployed_and_listed(account: Account, tmp_path: Path) -> None:
    private, _ = key_pair(tmp_path, Ed25519PrivateKey.generate())
    text = "parts: [ndr, ingestion, customer-360]\ntrust_key: release.pub\n"
    (account.folder / "dev.yaml").write_text(text)
    command = ("up", "dev", "--signed", str(account.wheel))
    assert "the release is not signed" in account.deployer.refusal(*command)
    wheel = next(account.wheel.glob("*.whl"))
    code = read_code(wheel, {**SCRIPTS, **CUSTOMER_360_SCRIPTS})
    statement = account.wheel / provenance.FILE
    try:
        statement.write_bytes(provenance.sign({**code, "GlueWheel": ("a/ndr.whl", b"")}, {}, TAG, private))
        assert f"{wheel.name} is not signed; nothing was changed" in account.deployer.refusal(*command)
        assert (account.deployer.tables, account.deployer.machines) == ([], set())
        statement.write_bytes(provenance.sign(code, {}, TAG, private))
        assert re.fullmatch("1, signed by key [0-9a-f]{12}", account.up(text)["release"])
    finally:
        statement.unlink()

    (release,) = account.record["releases"]
    assert (release["tag"], len(release["signed_by"]), release["before"]) == (TAG, 64, None)
    assert {name: one["key"] for name, one in release["code"].items()} == {name: key for name, (key, _) in code.items()}
    assert release["machines"][LIVE]["version"] == 1
    assert "dev-ndr-page" in release["pipelines"]
    assert release["features"]["v1"] and release["model_format"] and release["lake_format"]
    status = account.deployer.run("status", "dev", "--format", "json")
    part = next(part for part in json.loads(status.output) if part["kind"] == "release")
    assert (part["name"], part["state"], part["about"]) == ("1", "deployed", f"commit {TAG}, signed")

    # what one goes back to has to be what was deployed
    account.up(f"{text}pipeline_defaults: {{InstanceType: ml.m5.2xlarge}}\n".replace("trust_key: release.pub\n", ""))
    s3, key = account.deployer.local.client("s3"), release["code"]["GlueScript"]["key"]
    script = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    s3.put_object(Bucket=BUCKET, Key=key, Body=script + b"#")
    assert f"{key}, which the release needs, is not what was deployed" in account.deployer.refusal(*ROLLBACK)
    assert account.record["current"] == 2
    s3.put_object(Bucket=BUCKET, Key=key, Body=script)
    assert account.told(*ROLLBACK)["release"] == "1"


def test_ten_releases_are_kept_and_what_runs(deployer: Deployer) -> None:
    s3, states = deployer.local.client("s3"), deployer.states
    s3.create_bucket(Bucket=BUCKET)
    store, record = Store(BUCKET), Record()
    wait = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 100_000, "End": True}}}
    arn = str(states.create_state_machine(name=LIVE, definition=json.dumps(wait), roleArn=ROLE)["stateMachineArn"])
    began = datetime.now(UTC)
    for number in range(1, MOST + 4):
        version = states.publish_state_machine_version(stateMachineArn=arn, description=str(number))
        until = None if number == MOST + 3 else (began - timedelta(days=MOST + 3 - number)).isoformat()
        key = f"ingestion/{number}/a.py"
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"a")
        release: dict[str, Any] = {"number": number, "before": number - 1 or None, "until": until, "images": {}}
        parts = {"stacks": {}, "pipelines": {}, "tasks": {"a": store.keep(f"task {number}")}}
        code = {"GlueScript": {"key": key, "sha256": store.digest(key)}}
        machines = {LIVE: {"version": int(version["stateMachineVersionArn"].rpartition(":")[2]), "note": ""}}
        record.releases.append({**release, **parts, "code": code, "machines": machines})
    record.current = record.last = MOST + 3
    alias = {"stateMachineVersionArn": f"{arn}:{MOST + 3}", "weight": 100}
    states.create_state_machine_alias(name="live", routingConfiguration=[alias])
    running = states.start_execution(stateMachineArn=f"{arn}:1", input="{}")["executionArn"]

    gone = drop("dev-", record)
    prune("dev-", record, store)
    assert [release["number"] for release in gone] == [1, 2, 3]
    assert deployer.versions(LIVE) == [1, *range(4, MOST + 4)]  # an execution runs the first
    assert store.keys("ingestion/") == sorted(f"ingestion/{number}/a.py" for number in range(4, MOST + 4))
    assert len(store.keys("releases/")) == MOST

    states.stop_execution(executionArn=running)
    prune("dev-", record, store)
    assert deployer.versions(LIVE) == [*range(4, MOST + 4)]

    # one that ended after something began that still runs is kept with all that it has
    states.start_execution(stateMachineArn=f"{arn}:live", input="{}")
    time.sleep(1)
    record.releases[0]["before"] = None
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    record.releases.append({**record.releases[-1], "number": MOST + 4, "before": MOST + 3, "until": None})
    record.releases[0]["until"] = later
    record.current = MOST + 4
    assert drop("dev-", record) == []
    assert [release["number"] for release in record.chain(MOST)] == [*range(MOST + 4, 4, -1)]


def test_a_record_that_is_damaged_is_said_to_be(deployer: Deployer) -> None:
    s3 = deployer.local.client("s3")
    assert Store(BUCKET).read() == Record()
    s3.create_bucket(Bucket=BUCKET)
    for content in (b"", b"[]", b"{", b'{"unknown": 2}', b"\xff", b'{"releases": 5}', b'{"current": "one"}'):
        s3.put_object(Bucket=BUCKET, Key="release.json", Body=content)
        with pytest.raises(DeploymentError, match="is no record of releases"):
            Store(BUCKET).read()
