"""The script of the Glue job, with the arguments that Glue gives it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.runtime.glue import has_classic_spark
from tests.checkout import ROOT
from tests.jobs.c360_clean.days import CUSTOMER, DAY, EVENT, HEADER, Zones, events, lines

pytestmark = pytest.mark.slow

SCRIPT = ROOT / "jobs/c360_clean/c360_clean.py"
OF_GLUE = ["--JOB_NAME", "c360-clean", "--JOB_RUN_ID", "jr_1", "--TempDir", "s3://assets/temporary/"]
needs_spark = pytest.mark.skipif(not has_classic_spark(), reason="needs classic Spark")


def run_script(zones: Zones, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What Glue does: the script with the arguments of Glue and those of the job."""
    own = ["--ARCHIVE", str(zones.folder / "archive"), "--CLEAN", str(zones.folder / "clean"), "--LOAD_DATE", DAY]
    environment = os.environ | {"PYSPARK_PYTHON": sys.executable}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, str(SCRIPT), *OF_GLUE, *own, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def filled(folder: Path) -> Zones:
    """All datasets, with rows that are none, other spellings, and a file that is split."""
    zones = Zones(folder)
    odd = lines(EVENT | {"event_timestamp": "10/03/2026 12:30"}, EVENT | {"event_id": None}, EVENT | {"payload": [1]})
    zones.put("activity_logs", events(200, payload={"mb_used": 1.5}) + odd + b"{broken\n" + events(100), "a")
    zones.put("activity_logs", events(150_000), "large")  # more than 32 MiB
    zones.put("customers", lines(CUSTOMER, {"customer_id": "C2", "phone": "?"}))
    zones.put("plans", f"{HEADER}\nP1,Basic,₦5,1,2,3,n,30\n".encode())
    return zones


def test_the_script_is_the_command(tmp_path: Path) -> None:
    zones = Zones(tmp_path)
    zones.put("plans", f"{HEADER}\nP1,Basic,₦5,1,2,3,n,30\n".encode())
    done = run_script(zones, "--driver", "processes")
    assert done.returncode == 0, done.stderr
    assert zones.rows("plans")[0]["currency"] == "NGN"
    zones.put("plans", b"a,b\n1,2\n")
    done = run_script(zones, "--driver", "processes")
    assert done.returncode == 1
    assert done.stderr.rstrip().splitlines()[-1].startswith("common.errors.RejectedRatioError: ")


@pytest.mark.parity
@needs_spark
def test_spark_and_processes_write_the_same_rows_and_rejects(tmp_path: Path) -> None:
    by_spark, by_processes = filled(tmp_path / "spark"), filled(tmp_path / "processes")
    done = run_script(by_spark)
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)
    code, expected, _ = by_processes.clean()
    assert (code, report["engine"]) == (0, "spark")
    names = [name for name in by_spark.files() if not name.endswith("manifest.json")]
    assert names == [name for name in by_processes.files() if not name.endswith("manifest.json")]
    for dataset in ("activity_logs", "customers", "plans"):
        assert by_spark.table(dataset).equals(by_processes.table(dataset))
        assert by_spark.rejects(dataset) == by_processes.rejects(dataset)
    assert len(by_spark.rejects("activity_logs")) == 3
    found = [{key: value for key, value in one.items() if key != "parquet"} for one in report["details"]["partitions"]]
    assert found == [{key: value for key, value in one.items() if key != "parquet"} for one in expected["partitions"]]
