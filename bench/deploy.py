"""The time from nothing to a scored window: an empty local AWS, `make deploy`, and the last window of a demo.

The lake with its model, and the logs of the window, are what `make demo` has left. A second deployment follows, which
changes nothing. Usage: `python -m bench.deploy --lake demo/lake --scenario demo/scenario --project
demo/lake-aws/project.yaml`.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import yaml

from bench.local import local_aws
from common.runtime.programs import scripts_folder
from common.windows import WINDOW, iso_seconds, parse_moment
from localaws.cli.process import LocalAws

ENVIRONMENT = "bench"
BUCKET = f"{ENVIRONMENT}-ndr-ingestion-000000000000-us-east-1"
MACHINE = f"arn:aws:states:us-east-1:000000000000:stateMachine:{ENVIRONMENT}-sfn_ndr_15m_features_inference"
NOT_HERE = ("redshift", "staging_prefix")
"""Settings of a project that name what a new account does not have."""
DEPLOY = (
    "import sys; from pathlib import Path; from statemachines.deploy import environment; "
    "environment.FILES = Path(sys.argv[1]); from statemachines.cli import main; main(sys.argv[2:])"
)
"""`ndr-statemachines` with the files of the environments in the folder of the first argument."""


def described(home: Path, project: Path, lake: Path, organisation: str) -> Path:
    """The folder of an environment with the project, whose lake is this one."""
    folder = home / "environments"
    folder.mkdir()
    found = yaml.safe_load(project.read_text())
    found["settings"] = {key: value for key, value in found["settings"].items() if key not in NOT_HERE}
    found["orchestration"] |= {"lake_uri": str(lake), "ingestion_prefix": f"s3://{BUCKET}/{organisation}"}
    (folder / "project.yaml").write_text(yaml.safe_dump(found))
    (folder / f"{ENVIRONMENT}.yaml").write_text(yaml.safe_dump({"projects": ["project.yaml"]}))
    return folder


def deploy(local: LocalAws, environments: Path) -> dict[str, str]:
    """What a deployment says of each part."""
    command = [sys.executable, "-c", DEPLOY, str(environments), "up", ENVIRONMENT]
    done = subprocess.run(
        command, env={**os.environ, **local.environment}, check=True, stdout=subprocess.PIPE, text=True
    )
    return dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)


def deliver(local: LocalAws, folder: Path, path: str, end: str) -> str:
    """How the execution ended that the event of a mini-batch started."""
    s3, states = local.client("s3"), local.client("stepfunctions")
    for file in sorted(folder.iterdir()):
        s3.put_object(Bucket=BUCKET, Key=f"{path}/{file.name}", Body=file.read_bytes())
    detail = {"batch_s3_path": f"s3://{BUCKET}/{path}/", "timestamp": end}
    entry = {"EventBusName": f"{ENVIRONMENT}-ndr", "Source": "bench", "DetailType": "NdrBatchCompleted"}
    local.client("events").put_events(Entries=[entry | {"Detail": json.dumps(detail)}])
    while not (found := states.list_executions(stateMachineArn=MACHINE)["executions"]):
        time.sleep(0.05)
    while (run := states.describe_execution(executionArn=found[0]["executionArn"]))["status"] == "RUNNING":
        time.sleep(0.05)
    assert run["status"] == "SUCCEEDED", run
    return str(run["output"])


@click.command()
@click.option("--lake", type=click.Path(path_type=Path, exists=True), required=True, help="Lake with a model.")
@click.option("--scenario", type=click.Path(path_type=Path, exists=True), required=True, help="Folder of its logs.")
@click.option("--project", type=click.Path(path_type=Path, exists=True), required=True, help="Its project file.")
def main(lake: Path, scenario: Path, project: Path) -> None:
    """Measure, and print one JSON line."""
    last = json.loads((scenario / "scenario.json").read_text())["batches"][-1]
    organisation = "/".join(last["path"].split("/")[:-4])
    end = iso_seconds(parse_moment(last["window_start"]) + WINDOW).replace(":00Z", ":05Z")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copytree(lake, home / "lake")
        environments = described(home, project, home / "lake", organisation)
        marks = {"began": time.monotonic()}
        with local_aws(home / "aws", scripts_folder(), wait_scale=0.25) as local:
            marks["server"] = time.monotonic()
            deploy(local, environments)
            marks["deployed"] = time.monotonic()
            deliver(local, scenario / last["path"], last["path"], end)
            marks["scored"] = time.monotonic()
            again = deploy(local, environments)
            marks["again"] = time.monotonic()
        said = {name: words for name, words in again.items() if name != "release" and not name.startswith("project ")}
        changed = [name for name, words in said.items() if not words.startswith("unchanged")]
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        names = list(marks)
        result: dict[str, Any] = {
            f"{name}_seconds": round(marks[name] - marks[before], 1) for before, name in pairwise(names)
        }
        result["from_nothing_seconds"] = round(marks["scored"] - marks["began"], 1)
        result["processor_seconds"] = round(used.ru_utime + used.ru_stime, 1)
        click.echo(json.dumps({**result, "changed_again": changed, "load": round(os.getloadavg()[0], 1)}))


if __name__ == "__main__":
    main()
