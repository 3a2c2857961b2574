"""A run of a stage: its configuration, and the lake, session and report that it works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

from common.engine import open_engine
from common.lake import Lake
from common.project import ProjectParameters, load_project
from common.report import RunReport
from common.spec import FeatureSpec, load_spec
from common.windows import Windows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class StageConfig:
    """What every stage is told; a stage with more to know extends it."""

    windows: Windows
    lake_uri: str
    engine: str
    project_name: str
    feature_spec_version: str
    mini_batch_id: str | None
    parameters_path: str | None


Config = TypeVar("Config", bound=StageConfig)


@dataclass(frozen=True)
class StageRun:
    """What a stage works with while it runs."""

    spec: FeatureSpec
    project: ProjectParameters
    lake: Lake
    session: SparkSession
    report: RunReport


def run_stage(stage: str, config: Config, work: Callable[[Config, StageRun], None]) -> None:
    """Opens the engine and the lake, lets the stage work, and prints the run report on stdout."""
    spec = load_spec(config.feature_spec_version)
    project = load_project(config.parameters_path)
    report = RunReport(
        stage=stage,
        window=str(config.windows),
        engine=config.engine,
        project_name=config.project_name,
        feature_spec_version=config.feature_spec_version,
        mini_batch_id=config.mini_batch_id,
    )
    remote = config.lake_uri.startswith("s3://")
    with open_engine(config.engine, remote_storage=remote) as session:
        lake = Lake(config.lake_uri, spec, session, config.engine)
        work(config, StageRun(spec, project, lake, session, report))
    click.echo(report.to_json())
