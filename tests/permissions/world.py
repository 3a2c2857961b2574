"""Everything deployed to a local AWS that checks roles, and what is said there by logs, histories and mappings."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import yaml

from common.runtime.catalog import STAGES
from localaws.cli.deployment import run_command
from localaws.cli.process import LocalAws
from statemachines.deploy.parts import TEMPLATES
from statemachines.deploy.permissions.template import Statement, Template
from tests.common.detection.alerts.alerting_lake import PAIR, within, write_alerts
from tests.localaws.running import write_step
from tests.permissions.permission import Asked
from tests.statemachines.control_plane import BIN, ENDED

REAL = (
    *("ndr-15m", "ndr-delta", "ndr-extractor", "ndr-page"),
    *("ndr-manifest-builder", "ndr-ndjson-to-parquet", "c360-validate", "c360-clean", "c360-staging"),
)
"""Commands that run; those that would take long are replaced by programs that do nothing."""
ACCOUNT, REGION = "000000000000", "us-east-1"
REGISTRY, TAG = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com", "1"
MANIFEST = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []}
LAKE = f"ndr-lake-{ACCOUNT}-{REGION}"
INGESTION = f"ndr-ingestion-{ACCOUNT}-{REGION}"
EXTERNAL_ID = "external-id-of-snowflake"
PARAMETERS = (
    *("SchedulesState=DISABLED", "Customer360ScheduleState=DISABLED", "MaxWaitMinutes=1"),
    *("Runner=tasks", "TaskSubnets=subnet-1", "TaskSecurityGroups=sg-1"),
    *(f"SnowflakeUserArn=arn:aws:iam::{ACCOUNT}:root", f"SnowflakeExternalId={EXTERNAL_ID}"),
)
SECONDS = 90.0
PINGED = Path(__file__).with_name("pinged.py")
"""What stands for the container of a model."""
Refused = Callable[[], bool]


@dataclass
class World:
    """The local AWS with all stacks, its outputs, and where its roles' questions are noted."""

    aws: LocalAws
    folder: Path
    outputs: dict[str, str] = field(default_factory=dict)
    template: Template = field(init=False)

    def deploy(self, projects: list[Path], *options: str) -> None:
        """Deploys foundation, NDR and ingestion, and what options name."""
        words = [word for one in PARAMETERS for word in ("--set", one)]
        words += [word for project in projects for word in ("--project", str(project))]
        outputs = self.folder / "outputs.json"
        run_command(self.aws, "ndr-statemachines", "deploy", "--outputs", str(outputs), *options, *words)
        self.outputs = json.loads(outputs.read_text())
        self._push()
        defaults = ("--default", f"ImageRegistry={REGISTRY}", "--default", f"ImageTag={TAG}")
        roles = {"role-arn": "PipelineRoleArn", "task-execution-role-arn": "TaskExecutionRoleArn"}
        given = [word for option, output in roles.items() for word in (f"--{option}", self.outputs[output])]
        run_command(self.aws, "ndr-pipelines", "upsert", *given, *defaults)
        bodies = [path.read_text(encoding="utf-8") for path in TEMPLATES.values()]
        self.template = Template(bodies, dict(one.split("=") for one in PARAMETERS), ACCOUNT, REGION)

    def _push(self) -> None:
        """Puts images of all stages into the registry, so that steps need the right to pull theirs."""
        ecr = self.aws.client("ecr")
        there = {one["repositoryName"] for one in ecr.describe_repositories()["repositories"]}
        for stage in STAGES:
            if stage.command not in there:
                ecr.create_repository(repositoryName=stage.command)
            ecr.put_image(repositoryName=stage.command, imageManifest=json.dumps(MANIFEST), imageTag=TAG)

    def upload(self, bucket: str, prefix: str, folder: Path) -> None:
        """Puts the files of a folder below a prefix of a bucket."""
        s3 = self.aws.client("s3")
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            s3.upload_file(str(path), bucket, f"{prefix}/{path.relative_to(folder).as_posix()}")

    def clear(self, bucket: str, prefix: str) -> None:
        """Removes all versions of what is below a prefix of a bucket."""
        s3 = self.aws.client("s3")
        found = s3.list_object_versions(Bucket=bucket, Prefix=prefix)
        for version in (*found.get("Versions", ()), *found.get("DeleteMarkers", ())):
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])

    def end_leases(self) -> None:
        """Ends those of machines that could not learn what became of their work, and keep others from it."""
        tables = self.aws.client("dynamodb")
        for table in (self.outputs["ProcessingLockTable"], self.outputs["PublicationLockTable"]):
            keys = [one["AttributeName"] for one in tables.describe_table(TableName=table)["Table"]["KeySchema"]]
            for item in tables.scan(TableName=table)["Items"]:
                tables.delete_item(TableName=table, Key={key: item[key] for key in keys})

    @property
    def statements(self) -> Mapping[str, list[Statement]]:
        """What each role permits, by the templates."""
        return self.template.statements()

    @property
    def asked(self) -> set[Asked]:
        """What roles have been asked for until now."""
        path = self.folder / "asked"
        return {Asked(**json.loads(line)) for line in path.read_text().splitlines()} if path.exists() else set()

    def execution(self, machine: str, message: Any, refused: Refused) -> bool:
        """Whether a new execution succeeds."""
        before = self.executions(machine)
        alias = f"{_arn(machine)}:live"
        self.aws.client("stepfunctions").start_execution(stateMachineArn=alias, input=json.dumps(message))
        return self.ended(machine, before, refused)

    def executions(self, machine: str) -> set[str]:
        """The ARNs of a machine's executions."""
        listed = self.aws.client("stepfunctions").list_executions(stateMachineArn=_arn(machine))["executions"]
        return {one["executionArn"] for one in listed}

    def ended(self, machine: str, before: set[str], refused: Refused) -> bool:
        """Whether executions begin before something is refused, and all succeed; those that take too long are ended."""
        states = self.aws.client("stepfunctions")

        def statuses() -> dict[str, str]:
            new = self.executions(machine) - before
            return {arn: str(states.describe_execution(executionArn=arn)["status"]) for arn in new}

        # once begun, it comes to its own end: cut off, it would keep its locks
        if self.awaited(statuses, refused):
            self.awaited(lambda: set(statuses().values()) <= set(ENDED), lambda: False)
        found = statuses()
        for arn, status in found.items():
            if status not in ENDED:
                states.stop_execution(executionArn=arn)
        return set(found.values()) == {"SUCCEEDED"}

    def awaited(self, done: Callable[[], Any], refused: Refused) -> bool:
        """Whether something comes to be true before a role is refused what is looked for, or the time is over."""
        deadline = time.monotonic() + SECONDS
        while not done():
            if refused() or time.monotonic() > deadline:
                return False
            time.sleep(0.5)
        return True

    def assumed(self, service: str, role: str, external_id: str) -> Any:
        """A client of somebody who has assumed a role by its external id."""
        sts = self.aws.client("sts")
        found = sts.assume_role(RoleArn=role, RoleSessionName="outside", ExternalId=external_id)["Credentials"]
        return boto3.client(
            service,
            endpoint_url=self.aws.endpoint,
            region_name=REGION,
            aws_access_key_id=found["AccessKeyId"],
            aws_secret_access_key=found["SecretAccessKey"],
            aws_session_token=found["SessionToken"],
        )

    def note(self, what: str, text: str) -> None:
        """Logs what a run was told."""
        with (self.aws.home / "logs" / f"{what}.log").open("a", encoding="utf-8") as log:
            log.write(f"{text}\n")

    def place(self) -> dict[Path, int]:
        """How long the logs are now."""
        logs = [self.aws.log_path, *(self.aws.home / "logs").rglob("*.log")]
        return {path: path.stat().st_size for path in logs}

    def said_since(self, place: Mapping[Path, int], began: float) -> str:
        """What logs have got since then, and what executions that began later, and mappings, say."""
        texts = [self._histories(began), self._mappings()]
        for path in self.place():
            with path.open("rb") as file:
                file.seek(place.get(path, 0))
                texts.append(file.read().decode(errors="replace"))
        return "\n".join(texts)

    def _histories(self, began: float) -> str:
        states, texts = self.aws.client("stepfunctions"), []
        for machine in states.list_state_machines()["stateMachines"]:
            listed = states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
            for execution in listed:
                if execution["startDate"].timestamp() >= began:
                    found = states.get_execution_history(
                        executionArn=execution["executionArn"], reverseOrder=True, maxResults=50
                    )
                    texts.append(json.dumps(found["events"], default=str))
        return "\n".join(texts)

    def _mappings(self) -> str:
        mappings = self.aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        return "\n".join(str(one.get("LastProcessingResult", "")) for one in mappings)


def _arn(machine: str) -> str:
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{machine}"


def says_refused(text: str, role: str, action: str, resources: Sequence[str]) -> bool:
    """Whether a text says that exactly this role may not do exactly this.

    S3 gives no reason for a HEAD that it refuses: a job then says which bucket refused it.
    """
    said = rf"assumed-role/{re.escape(role)}/\S+ is not authorized to perform: {re.escape(action)}(?![\w:])"
    buckets = [arn.removeprefix("arn:aws:s3:::").partition("/")[0] for arn in resources if action.startswith("s3:")]
    denied = [rf"denied access to s3://{re.escape(bucket)}(?![\w-])" for bucket in buckets]
    return any(re.search(pattern, text) for pattern in (said, *denied))


def build(start_local_aws: Callable[..., LocalAws], folder: Path, *options: str) -> World:
    """A local AWS with what options of the deployment name, too, and four projects.

    `young` gets logs, `new` none; their lakes are empty, that of `local` has predictions that alert. `tasked` has
    tasks instead of pipelines.
    """
    for stage in STAGES:
        script = f'exec "{BIN}/{stage.command}" "$@"' if stage.command in REAL else "true"
        write_step(folder / "bin", stage.command, script)
    write_step(folder / "bin", "ndr-serve", f'exec "{sys.executable}" "{PINGED}" "$@"')
    variables = {"AUTH": "true", "SFN_WAIT_SCALE": "0.02", "NDR_LOCAL_ASKED": str(folder / "asked")}
    world = World(start_local_aws(step_bin=folder / "bin", **variables), folder)
    orchestration: dict[str, tuple[str, dict[str, Any]]] = {
        "young": ("acme/hq", {}),
        "new": ("acme/new", {}),
        "local": ("acme/emea", {"page": True}),
        "tasked": ("acme/apac", {"runner": "tasks"}),
    }
    world.deploy([_project(folder, name, *given) for name, given in orchestration.items()], *options)
    write_alerts(folder / "alerts", [(0, 3, within(5, 445)), (1, 6, PAIR)])
    world.upload(LAKE, "local", folder / "alerts")
    return world


def _project(folder: Path, name: str, organisation: str, more: Mapping[str, Any]) -> Path:
    orchestration = {
        "lake_uri": f"s3://{LAKE}/{name}",
        "ingestion_prefix": f"s3://{INGESTION}/fw_paloalto/{organisation}",
        "poll_seconds": 1,
        "runner": "pipelines",
        **more,
    }
    settings = {"batch_index_table": "batch_index"}
    project = {"project_name": name, "organisations": [organisation], "settings": settings}
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({**project, "orchestration": orchestration}))
    return path
