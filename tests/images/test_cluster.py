"""A job of several instances is one Spark cluster, which gives the tables of one machine and survives a lost worker."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pyarrow as pa
import pytest

from common.lake.lake import Lake
from localaws.cli.process import LocalAws
from tests.factories import SPEC
from tests.images.cluster import job
from tests.images.small_lake import BASELINES, LAKE, LOGS, WINDOW, WRITTEN, SmallLake, assert_same
from tests.lakes import sources_in_batches
from tests.localaws.forwarding import forward, name_of
from tests.localaws.running import Started, lead_to
from tests.oracle.compare import assert_tables_equal

BUCKET = "cluster"
LEFT_OUT = ("fg_c", "pair_counts", "predictions")
TABLES = (*WRITTEN["ndr-15m"], *WRITTEN["ndr-inference"])


def test_a_lost_worker_does_not_lose_the_job(small_lake: SmallLake, tmp_path: Path) -> None:
    folder = small_lake.before("ndr-fg-b", tmp_path / "lake-of-cluster")
    lake = Lake(str(folder / LAKE), SPEC)
    with job(tmp_path) as instances:
        instances.start(
            "ndr-spark",
            ("ndr-fg-b", *BASELINES, "--lake", "/lake"),
            ("--volume", f"{folder / LAKE}:/lake"),
        )
        instances.kill_when(lambda: bool(published(lake)), "algo-3")
        assert len(published(lake)) == 1  # of two horizons
        codes = instances.exit_codes()
        output, errors = instances.output("algo-1")
    assert (codes["algo-1"], codes["algo-2"]) == (0, 0), errors[-3000:]
    assert codes["algo-3"] == 137
    assert "Lost executor" in errors
    assert json.loads(output.splitlines()[-1])["engine"] == "spark"
    assert_same(folder, small_lake.folder, "ndr-fg-b")


def published(lake: Lake) -> list[dict[str, str]]:
    """The baselines that are complete."""
    return lake.partitions("fg_b/publications") if lake.exists("fg_b/publications") else []


def upload(small_lake: SmallLake, local: LocalAws) -> str:
    """The small lake in a bucket, without three tables that ndr-15m writes, and the logs beside it."""
    s3 = local.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for path in sorted(path for name in (LAKE, LOGS) for path in (small_lake.folder / name).rglob("*")):
        key = str(path.relative_to(small_lake.folder))
        if path.is_file() and not key.startswith(tuple(f"{LAKE}/{table}/" for table in LEFT_OUT)):
            s3.upload_file(str(path), BUCKET, key)
    return f"s3://{BUCKET}/{LAKE}"


def test_a_cluster_on_s3_gives_the_tables_of_one_machine(
    start_local_aws: Started, small_lake: SmallLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with job(tmp_path) as instances, socket.create_server((instances.gateway, 0)) as outside:
        local = start_local_aws(NDR_LOCAL_HOSTS=name_of(outside))
        forward(outside, local.port)
        lead_to(local, monkeypatch)
        lake_in_s3 = upload(small_lake, local)
        arguments = ("--window", WINDOW, "--input", f"s3://{BUCKET}/{LOGS}", "--lake", lake_in_s3)
        options = [part for name in local.environment for part in ("--env", name)]
        with monkeypatch.context() as of_containers:
            of_containers.setenv("AWS_ENDPOINT_URL", f"http://{name_of(outside)}")
            instances.start("ndr-spark", ("ndr-15m", *arguments, "--through", "join", "--mini-batch-id", "a"), options)
        codes = instances.exit_codes()
        output, errors = instances.output("algo-1")
    assert set(codes.values()) == {0}, errors[-3000:]
    assert [json.loads(line)["stage"] for line in output.splitlines()] == [
        "ndr-delta", "ndr-fg-a", "ndr-pair-counts", "ndr-fg-c", "ndr-inference", "ndr-join"
    ]  # fmt: skip
    for table in TABLES:
        expected = window_of(Lake(str(small_lake.folder / LAKE), SPEC).arrow(table))
        actual = window_of(Lake(lake_in_s3, SPEC).arrow(table))
        assert_tables_equal(sources_in_batches(actual), sources_in_batches(expected), Lake("/", SPEC).table(table).key)
    left = local.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"{LAKE}/_scratch")
    assert left["KeyCount"] == 0


def window_of(table: pa.Table) -> pa.Table:
    key = WINDOW.replace("-", "").replace(":", "")
    return table.filter(pa.compute.equal(table["window"], key))
