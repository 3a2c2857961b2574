"""A run of a stage: its configuration, and the lake, session and run report it works with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from common.runtime.engine import Engine
from common.runtime.events import run_id
from common.runtime.output import activity
from common.runtime.run_report import RunReport
from common.runtime.upkeep import keep_up
from common.windows import Windows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from common.config.project import ProjectParameters
    from common.features.spec import FeatureSpec
    from common.lake.lake import Lake
    from common.runtime.lake_project import LakeProject


@dataclass(frozen=True)
class StageConfig:
    """The options common to all stages; a stage with more options extends it."""

    windows: Windows
    lake_uri: str
    engine: str
    mini_batch_id: str | None
    lake_project: LakeProject

    @property
    def project_name(self) -> str:
        """The project."""
        return self.lake_project.name

    @property
    def feature_spec_version(self) -> str:
        """The version of its feature specification."""
        return self.lake_project.feature_spec_version


Config = TypeVar("Config", bound=StageConfig)


@dataclass(frozen=True)
class StageRun:
    """One run of a stage: everything it works with besides its configuration."""

    spec: FeatureSpec
    project: ProjectParameters
    lake: Lake
    engine: Engine
    report: RunReport

    @property
    def session(self) -> SparkSession:
        """The session of the engine, which is started by the first use."""
        return self.engine.session


def run_stage(stage: str, config: Config, work: Callable[[Config, StageRun], None]) -> None:
    """Opens the lake, runs the stage, and prints its run report on stdout."""
    with open_stages(config) as start:
        start(stage, config, work)


@contextmanager
def open_stages(
    config: StageConfig, together: bool = False
) -> Iterator[Callable[[str, Any, Callable[[Any, StageRun], None]], None]]:
    """Yields a function that runs a stage and prints its run report; all its runs share one engine.

    With `together`, the stages are parts of one run over the same windows: their notes in `window_status` are
    written in two commits. After a run of one window, some small files that earlier ones left are put together.
    """
    import pyarrow as pa

    from common.features.spec import load_spec
    from common.lake.lake import Lake
    from common.lake.orphans import clear_up
    from common.lake.reader import LakeReader
    from common.storage.failures import require_writable

    spec, project = load_spec(config.feature_spec_version), config.lake_project
    require_writable(config.lake_uri)
    clear_up(LakeReader(config.lake_uri, spec))
    with Engine(config.engine, remote_storage=config.lake_uri.startswith("s3://")) as engine:
        lake = Lake.opened(config.lake_uri, spec, engine, project.identity)
        written: set[str] = set()

        def start(stage: str, own: Any, work: Callable[[Any, StageRun], None]) -> None:
            report = new_report(stage, own)
            report.log("", "settings", "debug", **{name: str(value) for name, value in vars(own).items()})
            with activity("", stage):
                work(own, StageRun(spec, project.settings, lake, engine, report))
            report.show()
            written.update(report.tables)
            if together:
                pa.default_memory_pool().release_unused()  # or the next stage would add its memory to that

        with lake.journal.together() if together else nullcontext():
            yield start
        if len(config.windows) == 1:
            keep_up(lake, written, config.windows)


def new_report(stage: str, config: StageConfig) -> RunReport:
    """The run report of a run that starts now."""
    return RunReport(
        stage=stage,
        window=str(config.windows),
        engine=config.engine,
        project_name=config.project_name,
        feature_spec_version=config.feature_spec_version,
        parameters=config.lake_project.parameters,
        mini_batch_id=config.mini_batch_id,
        run_id=config.mini_batch_id or run_id(),
    )
