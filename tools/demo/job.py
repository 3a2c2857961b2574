"""The whole chain on one machine: stages for the history; state machines for baselines, training and live windows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import yaml

from common.config.redshift import RedshiftParameters
from common.logs import ReadOptions, find_logs
from common.windows import WINDOWS_PER_DAY, Windows, iso, iso_seconds
from tools.demo.config import DemoConfig
from tools.demo.control_plane import PROJECT, ControlPlane, deploy, start_local_aws
from tools.demo.exclusive import exclusive
from tools.demo.inventory import DemoMachine, demo_machines, seed_inventory
from tools.demo.logs import logs_digest, require_replaceable, simulated
from tools.demo.mini_batches import ORGANISATION, MiniBatch, mini_batches
from tools.demo.plan import Plan, covered_windows, plan
from tools.demo.steps import Steps, files_digest, program_digest, run_command
from tools.demo.summary import next_commands, numbers

STEPS_BEFORE_SCORES, STEPS_OF_SCORES = 7, 2
HORIZON = "7d"
REDSHIFT = RedshiftParameters(
    database="ndr",
    iam_role_arn="default",
    workgroup_name="ndr",
    inventory_columns={"role": "role", "criticality": "criticality"},
)


def run(config: DemoConfig) -> None:
    """Fills the lake from the logs, and prints the top alerts and, with labels, the evaluation."""
    with exclusive(config.lake / "_demo"):
        start_local_aws(config.aws_home, config.aws_port)
        inputs = config.inputs or (simulated(config.scenario),)
        logs = find_logs(inputs, ReadOptions(time_zone=config.log_time_zone or "UTC"))
        windows = plan(covered_windows(inputs, config.log_time_zone), config.train_days, config.score_days)
        require_replaceable(config.lake, logs_digest(logs.paths, config.log_time_zone), windows.whole)
        click.echo(f"training on {windows.train}, scoring {windows.score}, live from {_start(windows.live)}", err=True)
        memory = config.lake / "_demo" / "steps.json"
        steps = Steps(memory, _count(windows), f"{program_digest()} {files_digest(logs.paths)}")
        batches = mini_batches(inputs, windows.live, config.log_time_zone) if windows.live else []
        parameters = _write_parameters(config, windows)
        _configure(config, parameters)
        _chain(steps, config, windows, inputs, parameters, batches)
        _show(config, windows, inputs)


def _count(windows: Plan) -> int:
    """The number of steps."""
    return STEPS_BEFORE_SCORES + (STEPS_OF_SCORES if windows.scored_before else 0) + (1 if windows.live else 0)


def _start(live: Windows | None) -> str:
    return iso(live.start) if live else "nothing"


def _write_parameters(config: DemoConfig, windows: Plan) -> str:
    """Writes the demo's project parameters; returns the path of the file."""
    path = config.lake / "_demo" / "parameters.yaml"
    path.write_text(yaml.safe_dump(_settings(config, windows)), encoding="utf-8")
    return str(path)


def _settings(config: DemoConfig, windows: Plan) -> dict[str, Any]:
    """The demo's project parameters: a baseline over the training days without a gap; every model is promoted.

    Coverage is not checked: the logs are complete, and a window without sessions was quiet.
    """
    days = len(windows.train) / WINDOWS_PER_DAY
    return {
        "horizons": {HORIZON: {"days": days, "gap_days": 0}},
        "model_horizon": HORIZON,
        "log_time_zone": config.log_time_zone or "UTC",
        "training": {"min_coverage": 0.0, "promotion": "always", "backfill_poll_seconds": 1.0},
        "redshift": REDSHIFT.given(),
        "staging_prefix": "s3://ndr-artifacts-000000000000-us-east-1/staging",
    }


def _project(config: DemoConfig, windows: Plan, batches: list[MiniBatch]) -> dict[str, Any]:
    """The demo's project as the control plane deploys it; pipelines are polled every second."""
    organisation = batches[0].organisation if batches else ORGANISATION
    folder = batches[0].folder.rsplit("/", 4)[0] if batches else ORGANISATION
    return {
        "project_name": PROJECT,
        "organisations": [organisation],
        "settings": _settings(config, windows),
        "orchestration": {
            "lake_uri": str(config.lake),
            "ingestion_prefix": f"s3://ndr-ingestion-000000000000-us-east-1/{folder}",
            "poll_seconds": 1,
        },
    }


def _chain(
    steps: Steps, config: DemoConfig, windows: Plan, inputs: tuple[str, ...], parameters: str, batches: list[MiniBatch]
) -> None:
    common = (
        *("--lake", str(config.lake), "--engine", config.engine, "--parameters", parameters),
        *("--project-name", PROJECT),
    )
    history = ("--window", str(windows.history))
    logs = tuple(word for entry in inputs for word in ("--input", entry))
    steps.run("slices", "ndr-delta", *history, *common, *logs)
    steps.run("features", "ndr-fg-a", *history, *common)
    steps.run("pair counts", "ndr-pair-counts", *history, *common)
    plane = steps.once("control plane", lambda: deploy(config.aws_home, _project(config, windows, batches)))
    with plane.in_use():
        machines = demo_machines(inputs, config.lake, windows.train)
        reference = windows.train.end
        month = {"project_name": PROJECT, "month": f"{reference:%Y-%m}", "reference_ts_iso": iso_seconds(reference)}
        steps.call("baselines", "monthly machine", lambda: _monthly(plane, machines, month), month)
        steps.run("deviations", "ndr-fg-c", *history, *common, "--baseline-month", month["month"])
        training = {
            "project_name": PROJECT,
            "training_start_ts_iso": iso_seconds(windows.train.start),
            "training_end_ts_iso": iso_seconds(windows.train.end),
            # a name of its own for each content: the one that the machine gives follows from the windows alone, and a
            # model that was rolled back is not deployed again
            "run_id": f"{windows.train.end:%Y%m%dT%H%MZ}-{steps.fingerprint[:12]}",
        }
        steps.call("model", "training machine", lambda: plane.run("sfn_ndr_training_orchestrator", training), training)
        if before := windows.scored_before:
            scored = ("--window", str(before))
            steps.run("scores", "ndr-inference", *scored, *common)
            steps.run("join", "ndr-join", *scored, *common)
        steps.each(
            "live batches", "15-minute machine", [(str(batch.window), batch) for batch in batches], plane.deliver
        )


def _monthly(plane: ControlPlane, machines: Mapping[str, DemoMachine], message: dict[str, Any]) -> dict[str, Any]:
    seed_inventory(REDSHIFT, machines)
    return plane.run("sfn_ndr_monthly_fg_b_baselines", message)


def _configure(config: DemoConfig, parameters: str) -> None:
    """Gives a lake from before the settings of this run, which makes all that follows from them again."""
    if (config.lake / "_lake.json").is_file():
        lake = ("--lake", str(config.lake), "--project-name", PROJECT)
        run_command("ndr-lake", "configure", *lake, "--parameters", parameters)


def _show(config: DemoConfig, windows: Plan, inputs: tuple[str, ...]) -> None:
    lake = ("--lake", str(config.lake))
    window = ("--window", str(windows.score))
    click.echo(run_command("ndr-report", *lake, *window, "--top", str(config.top), "--cases"), nl=False)
    _evaluate(lake, inputs)
    page = config.lake.with_name("page.html")
    run_command("ndr-page", *lake, *window, "--out", str(page))
    for part in (numbers(config.lake, windows.score, inputs), next_commands(config, windows.score)):
        click.echo()
        for line in part:
            click.echo(line)


def _evaluate(lake: tuple[str, ...], inputs: tuple[str, ...]) -> None:
    for folder in inputs:
        labels = Path(folder) / "labels.csv"
        if labels.is_file():
            click.echo("\nevaluation against labels.csv")
            click.echo(run_command("ndr-evaluate", *lake, "--labels", str(labels)), nl=False)
            return
    click.echo("\nno evaluation: the logs have no labels.csv")
