"""The whole chain on one machine: logs to slices, features, baselines, deviations, a model, scores and alerts."""

from __future__ import annotations

from pathlib import Path

import click
import yaml

from common.logs import ReadOptions, find_logs
from jobs.demo.config import DemoConfig
from jobs.demo.plan import WINDOWS_PER_DAY, Plan, covered_windows, plan
from jobs.demo.steps import Steps, files_digest, program_digest, run_command

STEPS = 8
HORIZON = "7d"


def run(config: DemoConfig) -> None:
    """Makes a lake of the logs, and prints the top alerts and, where there are labels, how good they are."""
    inputs = config.inputs or (_simulated(config.scenario),)
    logs = find_logs(inputs, ReadOptions(time_zone=config.log_time_zone or "UTC"))
    windows = plan(covered_windows(inputs, config.log_time_zone), config.train_days, config.score_days)
    click.echo(f"training on {windows.train}, scoring {windows.score}", err=True)
    memory = config.lake / "_demo" / "steps.json"
    steps = Steps(memory, STEPS, f"{program_digest()} {files_digest(logs.paths)}")
    parameters = _write_parameters(config, windows)
    _chain(steps, config, windows, inputs, parameters)
    _show(config, windows, inputs, parameters)


def _simulated(scenario: Path) -> str:
    if not (scenario / "scenario.json").is_file():
        click.echo("[0] simulate 8 days of an office with 60 hosts ...", err=True)
        run_command("ndr-simulate", "--out", str(scenario), "--hosts", "60", "--days", "8")
    return str(scenario)


def _write_parameters(config: DemoConfig, windows: Plan) -> str:
    """The file of the demo's project parameters: a baseline over the training days, without a safety gap."""
    days = len(windows.train) / WINDOWS_PER_DAY
    raw = {
        "horizons": {HORIZON: {"days": days, "gap_days": 0}},
        "model_horizon": HORIZON,
        "log_time_zone": config.log_time_zone or "UTC",
    }
    path = config.lake / "_demo" / "parameters.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    return str(path)


def _chain(steps: Steps, config: DemoConfig, windows: Plan, inputs: tuple[str, ...], parameters: str) -> None:
    reference = windows.train.end
    month = f"{reference:%Y-%m}"
    common = ("--lake", str(config.lake), "--engine", config.engine, "--parameters", parameters)
    whole, train, score = (("--window", str(part)) for part in (windows.whole, windows.train, windows.score))
    logs = tuple(word for entry in inputs for word in ("--input", entry))
    # logs from before the training days, or of another day, are no mistake here
    steps.run("slices", "ndr-delta", *whole, *common, *logs)
    steps.run("features", "ndr-fg-a", *whole, *common)
    steps.run("pair counts", "ndr-pair-counts", *whole, *common)
    at = ("--month", month, "--reference-time", f"{reference:%Y-%m-%dT%H:%M:%SZ}")
    steps.run("baselines", "ndr-fg-b", *common, *at)
    steps.run("deviations", "ndr-fg-c", *whole, *common, "--baseline-month", month)
    steps.run("model", "ndr-if-training", *train, *common)
    steps.run("scores", "ndr-inference", *score, *common)
    steps.run("join", "ndr-join", *score, *common)


def _show(config: DemoConfig, windows: Plan, inputs: tuple[str, ...], parameters: str) -> None:
    lake = ("--lake", str(config.lake))
    window = ("--window", str(windows.score))
    click.echo(
        run_command(
            "ndr-report", *lake, *window, "--parameters", parameters, "--top", str(config.top), "--one-per-host"
        ),
        nl=False,
    )
    for folder in inputs:
        labels = Path(folder) / "labels.csv"
        if labels.is_file():
            click.echo("\nevaluation against labels.csv")
            click.echo(run_command("ndr-evaluate", *lake, "--labels", str(labels)), nl=False)
            return
    click.echo("\nno labels.csv beside the logs: nothing to evaluate against")
