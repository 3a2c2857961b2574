"""The script of the Glue job, with the arguments that Glue gives it."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from common.runtime.glue import has_classic_spark
from tests.checkout import ROOT
from tests.common.ndjson.edge_cases import BAD, GOOD
from tests.jobs.ndjson_to_parquet.conversions import convert, local, parquet, rejects, table

pytestmark = pytest.mark.slow

SCRIPT = ROOT / "jobs/ndjson_to_parquet/ndr_ndjson_to_parquet.py"
OF_GLUE = [
    "--JOB_NAME", "ndr-ndjson-to-parquet", "--JOB_ID", "j_1", "--JOB_RUN_ID", "jr_1", "--SECURITY_CONFIGURATION",
    "ndr", "--job-bookmark-option", "job-bookmark-disable", "--TempDir", "s3://assets/temporary/", "--enable-metrics",
    "true", "--enable-continuous-cloudwatch-log", "true", "--extra-py-files", "s3://assets/a.zip,s3://assets/b.zip",
    "--additional-python-modules", "s3://assets/ndr_paloalto-1-py3-none-any.whl", "--job-language", "python",
]  # fmt: skip
needs_spark = pytest.mark.skipif(not has_classic_spark(), reason="needs classic Spark")


def run_script(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What Glue does: the script with the arguments of Glue and those of the job."""
    own = ["--MANIFEST_PATH", str(path), "--OUTPUT_BUCKET", str(path.parent / "out"), "--COMPRESSION_TYPE", "SNAPPY"]
    command = [sys.executable, str(SCRIPT), *OF_GLUE, *own, *arguments]
    environment = os.environ | {"PYSPARK_PYTHON": sys.executable}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def edge_files(folder: Path) -> Path:
    """A manifest of a file with all good lines, and of one with all bad ones that are not long, in three parts."""
    bad = b"\n".join(line for line, _ in BAD if len(line) < 1000)
    good = b"\n".join(line for line, _ in GOOD)
    return local(folder, {"good.ndjson": good, "bad.ndjson": bad, "more.ndjson": b'{"late":1}\n{"Case":2}\n'}, 3)


@pytest.mark.parametrize("driver", ["processes", pytest.param("auto", marks=[pytest.mark.parity, needs_spark])])
def test_a_failure_is_raised_as_what_it_is(tmp_path: Path, driver: str) -> None:
    done = run_script(edge_files(tmp_path), "--driver", driver)
    assert done.returncode == 1
    assert "SystemExit" not in done.stderr
    assert done.stderr.rstrip().splitlines()[-1].startswith("common.errors.RejectedRatioError: ")
    assert parquet(tmp_path) == []


def test_the_arguments_of_glue_are_ignored(tmp_path: Path) -> None:
    done = run_script(local(tmp_path, {"a.ndjson": b'{"a":1}\n'}), "--driver", "processes")
    assert (done.returncode, table(tmp_path).to_pydict()) == (0, {"a": ["1"]}), done.stderr


def test_an_unknown_option_is_a_usage_error_elsewhere(tmp_path: Path) -> None:
    path = local(tmp_path, {"a.ndjson": b'{"a":1}\n'})
    assert convert(path, "--TempDir", "s3://assets")[0] == 2
    assert convert(path, "--JOB_NAME", "x", "--TempDir", "s3://assets", "--driver", "processes")[0] == 0


@pytest.mark.parity
@needs_spark
def test_spark_and_processes_write_the_same_rows_and_rejects(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [tmp_path / name for name in ("spark", "processes")]
    for folder in folders:
        folder.mkdir()
    by_spark, by_processes = map(edge_files, folders)
    done = run_script(by_spark, "--MAX_REJECTED_RATIO", "1")
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)
    code, expected, _ = convert(by_processes, "--max-rejected-ratio", 1)
    assert (code, report["engine"]) == (0, "spark")
    assert [path.name for path in parquet(folders[0])] == [path.name for path in parquet(folders[1])]
    found: list[pa.Table] = [table(folder) for folder in folders]
    assert found[0].num_rows == len(GOOD) + 2
    assert found[0].equals(found[1])
    assert rejects(folders[0]) == rejects(folders[1])
    assert {key: report[key] for key in ("rows_in", "rows_out", "rows_rejected")} == {
        key: expected[key] for key in ("rows_in", "rows_out", "rows_rejected")
    }
    with capsys.disabled():
        print(f"\nthe Glue script ran under Python {platform.python_version()}, as {_spark()}")


def _spark() -> str:
    from importlib.metadata import version

    return f"pyspark {version('pyspark')}"
