"""Runs one stage of the lifecycle, or all of them in order."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from common.aws.caller import caller
from common.detection.registry import promotion
from common.detection.registry.decisions import Note
from common.detection.registry.pointer import model_store
from common.detection.registry.promotion import settle
from common.features.spec import load_spec
from common.lake.lake import Lake
from common.runtime.engine import Engine
from common.runtime.lake_project import LakeProject
from common.runtime.output import activity
from common.runtime.run_report import RunReport
from jobs.if_training.config import ALL, STAGES, TrainingConfig
from jobs.if_training.lifecycle import TrainingRun, open_run

WORK = {
    "verify": ("verification", "verify"),
    "remediate": ("remediation", "remediate"),
    "reverify": ("verification", "reverify"),
    "train": ("training", "train_model"),
    "publish": ("publication", "publish"),
    "attributes": ("publication", "attributes"),
    "deploy": ("deployment", "deploy"),
}


def run(config: TrainingConfig) -> None:
    """Does the stage, or every stage up to the first failure, and prints the run report."""
    engine = Engine(config.engine, remote_storage=config.lake_uri.startswith("s3://"))
    with activity("", "ndr-if-training"), engine:
        opened = open_run(config, engine)
        opened.report.run_id = opened.run_id
        opened.describe(run_id=opened.run_id)
        for stage in STAGES if config.stage == ALL else (config.stage,):
            if reason := opened.learning(stage):
                opened.report.learns({"model": reason})
                break
            _work(stage)(opened)
    opened.report.show()


def roll_back(lake_uri: str, project: LakeProject, run_id: str | None, execution: str | None) -> None:
    """Makes the model before the current one current again; with a run, only where that one is current.

    Raises:
        ModelError: there is none before it, or it was altered.
    """
    report = RunReport("ndr-if-training", project_name=project.name)
    lake = Lake.opened(lake_uri, load_spec(project.feature_spec_version), identity=project.identity)
    store = model_store(lake.uri, project.name)
    with report.step("rollback"):
        settle(lake, store)
        note = Note(execution or caller(lake.is_remote), "ndr-if-training --stage rollback", execution)
        move = promotion.roll_back(store, project.name, note, run_id)
        settle(lake, store)
    report.details |= {"rolled_back": move.before if move.moved else None, "run_id": move.current}
    report.show()


def _work(stage: str) -> Callable[[TrainingRun], None]:
    """The function of a stage; the libraries of the models are loaded only for stages that need them."""
    module, function = WORK[stage]
    found: Callable[[TrainingRun], None] = getattr(import_module(f"jobs.if_training.{module}"), function)
    return found
