"""One engine for all tests of a process, and runs of stages on it."""

from __future__ import annotations

import locale
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from xdist.scheduler import LoadFileScheduling

from common.config.project import ProjectParameters
from common.contracts.session import SESSION_COLUMNS
from common.lake.lake import Lake
from common.runtime.context import StageConfig, StageRun
from common.runtime.engine import Engine, open_engine
from common.runtime.lake_project import LakeProject
from common.runtime.run_report import RunReport
from common.windows import Windows
from jobs.delta.config import DeltaConfig
from jobs.delta.job import run as run_delta
from tests.factories import SPEC
from tests.localaws.running import aws_environment, local_aws, start_local_aws, step_bin
from tests.redshift import query, redshift

__all__ = ["SPEC", "aws_environment", "local_aws", "query", "redshift", "start_local_aws", "step_bin"]

# the Spark client takes a main module without a file, as test workers have it, for a run of its own doctests
if not hasattr(sys.modules["__main__"], "__file__"):
    sys.modules["__main__"].__file__ = __file__

ENGINE = os.environ.get("NDR_TEST_ENGINE", "sail")
ONE_LAKE = {
    "edge_slices": {f"tests/jobs/{stage}/test_against_oracle.py" for stage in ("delta", "fg_a", "pair_counts")},
    "two_runs": {f"tests/jobs/if_training/test_{topic}.py" for topic in ("deployment", "decisions")},
    "baselines": {f"tests/jobs/{stage}/test_against_oracle.py" for stage in ("fg_b", "fg_c")},
}
"""Files by the fixture of a conftest.py that they share: a worker of its own would make it again."""

OF_OTHERS = {"PYTEST_CURRENT_TEST", "KMP_INIT_AT_FORK", "KMP_DUPLICATE_LIB_OK"}
"""Variables that pytest, and scikit-learn when it is imported, set for good."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `-m parity`, leaves out modules that lack the marker: they may import what the Spark environment lacks."""
    if config.option.markexpr != "parity" or collection_path.suffix != ".py":
        return None
    return "pytest.mark.parity" not in collection_path.read_text() or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what only `make test-long` runs, unless its marker is asked for, and begins with the files that have
    slow tests: none of them is left to one core at the end."""
    for marker in {"long", "docs_long"} - set((config.option.markexpr or "").split()):
        left_out = [item for item in items if item.get_closest_marker(marker)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


class ByLake(LoadFileScheduling):  # type: ignore[misc]
    """Gives a worker whole files, and all files whose tests read one lake."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return next((lake for lake, files in ONE_LAKE.items() if file in files), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """The scheduler, unless another one is asked for."""
    return ByLake(config, log) if config.option.dist == "loadfile" else None


@pytest.fixture(autouse=True)
def same_process() -> Iterator[None]:
    """Fails a test that leaves the process otherwise than it found it: later tests would depend on their order."""
    before = _process()
    yield
    after = _process()
    for name in before:
        if before[name] != after[name]:
            _restore(before)
            pytest.fail(f"this test leaves {name} changed: {_difference(before[name], after[name])}")


def _process() -> dict[str, Any]:
    """What tests share: environment, folder, handlers of signals, and locale."""
    return {
        "os.environ": {name: value for name, value in os.environ.items() if name not in OF_OTHERS},
        "the working folder": Path.cwd(),
        "the handlers of signals": {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)},
        "the locale": locale.setlocale(locale.LC_ALL),
    }


def _restore(before: dict[str, Any]) -> None:
    for name in set(os.environ) - set(before["os.environ"]) - OF_OTHERS:
        del os.environ[name]
    os.environ.update(before["os.environ"])
    os.chdir(before["the working folder"])
    for number, handler in before["the handlers of signals"].items():
        signal.signal(number, handler)
    locale.setlocale(locale.LC_ALL, before["the locale"])


def _difference(before: Any, after: Any) -> str:
    """What differs; the values of variables are left out, as they may be secret."""
    if not isinstance(before, dict):
        return f"{before} became {after}"
    return ", ".join(sorted(str(name) for name in {*before, *after} if before.get(name) != after.get(name)))


@pytest.fixture(scope="session")
def session() -> Iterator[SparkSession]:
    with open_engine(ENGINE) as opened:
        yield opened


@dataclass
class Stages:
    """Runs stages against one lake, in the engine of the tests."""

    session: SparkSession
    folder: Path
    project: ProjectParameters = field(default_factory=ProjectParameters)

    @property
    def engine(self) -> Engine:
        return Engine(ENGINE, session=self.session)

    @property
    def lake(self) -> Lake:
        return Lake(str(self.folder), SPEC, self.engine)

    def config(self, windows: str) -> dict[str, Any]:
        return {
            "windows": Windows.parse(windows),
            "lake_uri": str(self.folder),
            "engine": ENGINE,
            "mini_batch_id": None,
            "lake_project": LakeProject(settings=self.project),
        }

    def run(self, work: Callable[[Any, StageRun], None], config: StageConfig) -> RunReport:
        report = RunReport("test")
        work(config, StageRun(SPEC, self.project, self.lake, self.engine, report))
        return report

    def run_windows(self, work: Callable[[Any, StageRun], None], windows: str) -> RunReport:
        return self.run(work, StageConfig(**self.config(windows)))

    def delta(self, windows: str, *inputs: str, **overrides: Any) -> RunReport:
        given = {"log_format": None, "log_time_zone": None, "max_rejected_ratio": None} | overrides
        return self.run(run_delta, DeltaConfig(**self.config(windows), inputs=inputs, **given))


@pytest.fixture
def stages(session: SparkSession, tmp_path: Path) -> Stages:
    return Stages(session, tmp_path / "lake")


def write_sessions(table: pa.Table, path: Path) -> str:
    """The sessions as a Parquet file with canonical names, its rows in the order of their files and lines."""
    table = table.sort_by([("source_file", "ascending"), ("source_line", "ascending")])
    pq.write_table(table.select([column.name for column in SESSION_COLUMNS]), path)
    return str(path)
