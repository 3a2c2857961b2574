"""Which instances form a cluster, and which settings the engine of each gets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from common.errors import EngineError
from common.runtime.spark_cluster import Cluster, follow, main, memory_bytes, read_cluster, settings


def resources(folder: Path, **content: object) -> Path:
    path = folder / "resourceconfig.json"
    path.write_text(json.dumps(content))
    return path


def test_without_a_resource_configuration_there_is_one_machine(tmp_path: Path) -> None:
    assert read_cluster(tmp_path / "resourceconfig.json") is None


def test_one_host_is_no_cluster(tmp_path: Path) -> None:
    assert read_cluster(resources(tmp_path, current_host="algo-1", hosts=["algo-1"])) is None


def test_the_first_host_is_the_master(tmp_path: Path) -> None:
    hosts = [f"algo-{number}" for number in (10, 2, 1, 11)]
    assert read_cluster(resources(tmp_path, current_host="algo-10", hosts=hosts)) == Cluster("algo-10", "algo-1")


@pytest.mark.parametrize("content", [{}, {"current_host": "algo-1"}, {"current_host": "algo-1", "hosts": None}])
def test_another_file_is_an_error(tmp_path: Path, content: dict[str, object]) -> None:
    with pytest.raises(EngineError, match=r"resourceconfig.json does not name current_host and hosts"):
        read_cluster(resources(tmp_path, **content))


def test_heaps_take_three_fifths_of_the_memory_and_given_settings_win() -> None:
    found = settings(Cluster("algo-2", "algo-1"), 10 << 30, "spark.executor.memory=1g")
    assert found["NDR_SPARK_MASTER"] == "spark://algo-1:7077"
    assert found["NDR_SPARK_CONF"] == (
        "spark.driver.memory=6144m;spark.executor.memory=6144m;spark.executor.memory=1g"  # 0.6 * 10,240
    )


def test_one_machine_needs_no_name_of_its_own() -> None:
    found = settings(None, 1 << 30, "")
    assert found["SPARK_LOCAL_IP"] == "127.0.0.1"
    assert "NDR_SPARK_MASTER" not in found


def test_memory_is_that_of_the_machine_at_most() -> None:
    total = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    assert 0 < memory_bytes() <= int(total.split()[1]) * 1024


def test_a_worker_without_a_master_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.runtime.spark_cluster.MASTER_START_SECONDS", 0.0)
    with pytest.raises(EngineError, match="no Spark master answers at localhost:7077"):
        follow(Cluster("algo-2", "localhost"))


def test_only_stages_run_on_spark() -> None:
    refused = CliRunner().invoke(main, ["ls", "-l"])
    assert refused.exit_code == 2
    assert "'ls' is not one of 'ndr-delta'" in refused.output


def test_the_help_lists_the_stages() -> None:
    shown = CliRunner().invoke(main, ["--help"]).output
    assert "\n  Stages:\n    ndr-delta             host and pair slices from firewall logs\n" in shown
