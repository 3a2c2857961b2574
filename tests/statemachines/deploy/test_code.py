"""The code that a deployment gives the Glue job, and the rules of the buckets of ingestion."""

from __future__ import annotations

import io
import os
from pathlib import Path
from zipfile import ZipFile

import pytest

from common.errors import DeploymentError, InputError
from statemachines.deploy import code
from tests.checkout import ROOT
from tests.statemachines.deploy.deployer import Deployer

SCRIPT = "jobs/ndjson_to_parquet/ndr_ndjson_to_parquet.py"
ARTIFACTS = "ndr-artifacts-000000000000-us-east-1"
pytestmark = pytest.mark.slow


def objects(deployer: Deployer) -> dict[str, bytes]:
    s3 = deployer.local.client("s3")
    listed = s3.list_objects_v2(Bucket=ARTIFACTS, Prefix="ingestion/").get("Contents", [])
    return {each["Key"]: s3.get_object(Bucket=ARTIFACTS, Key=each["Key"])["Body"].read() for each in listed}


def code_of_the_job(deployer: Deployer) -> list[str]:
    """The keys that the job names, of its script and its wheel."""
    job = deployer.local.client("glue").get_job(JobName="ndr-ndjson-to-parquet")["Job"]
    named = job["Command"]["ScriptLocation"], job["DefaultArguments"]["--additional-python-modules"]
    return [uri.removeprefix(f"s3://{ARTIFACTS}/") for uri in named]


def test_the_job_gets_the_code_of_the_checkout_once(deployer: Deployer, tmp_path: Path) -> None:
    assert deployer.deploy()["code of the Glue job"] == "uploaded"
    found = objects(deployer)
    script, wheel = code_of_the_job(deployer)
    assert set(found) == {script, wheel}
    assert found[script] == (ROOT / SCRIPT).read_bytes()
    with ZipFile(io.BytesIO(found[wheel])) as archive:
        assert archive.read("common/ndjson/texts.py") == (ROOT / "common/ndjson/texts.py").read_bytes()
    again = deployer.deploy()
    assert (again["code of the Glue job"], again["stack ndr-ingestion"]) == ("unchanged", "unchanged")

    other = tmp_path / Path(wheel).name
    other.write_bytes(found[wheel])
    with ZipFile(other, "a") as archive:
        archive.writestr("common/more.py", "")
    done = deployer.deploy("--wheel", str(other))
    assert (done["code of the Glue job"], done["stack ndr-ingestion"]) == ("uploaded", "updated")
    assert objects(deployer)[code_of_the_job(deployer)[1]] == other.read_bytes()
    assert len(objects(deployer)) == 4  # what waits or runs has the code it began with

    rules = {}
    for bucket in ("landing", "parquet", "ingestion-quarantine", "manifests"):
        name = f"ndr-{bucket}-000000000000-us-east-1"
        found_rules = deployer.local.client("s3").get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
        assert {rule["Status"] for rule in found_rules} == {"Enabled"}
        rules[bucket] = {rule["ID"]: rule for rule in found_rules}
    for bucket in ("landing", "parquet", "ingestion-quarantine"):  # uploads that are never finished are given up
        given_up = rules[bucket]["unfinished-uploads"]["AbortIncompleteMultipartUpload"]
        assert given_up == {"DaysAfterInitiation": 2}
    old = {bucket: entry["old"]["Expiration"]["Days"] for bucket, entry in rules.items() if "old" in entry}
    assert old == {"ingestion-quarantine": 800, "manifests": 800}


def test_the_wheel_is_built_only_if_what_it_is_built_from_is_different(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "common").mkdir()
    for name in code.BESIDE:
        (tmp_path / name).write_text("text\n")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "small"\nversion = "1"\n[tool.setuptools.packages.find]\ninclude = ["common*"]\n'
    )
    source = tmp_path / "common" / "__init__.py"
    source.write_text("A = 1\n")
    monkeypatch.setattr(code, "ROOT", tmp_path)
    first = code.wheel_of_checkout()
    built = first.read_bytes()
    (tmp_path / "common" / "__pycache__").mkdir()
    (tmp_path / "common" / "__pycache__" / "a.pyc").write_text("of Python")
    with monkeypatch.context() as patched:
        patched.setattr(code, "build_wheel", None)  # would fail
        assert code.wheel_of_checkout() == first
    source.write_text("A = 2\n")
    second = code.wheel_of_checkout()
    with ZipFile(second) as archive:
        assert archive.read("common/__init__.py") == b"A = 2\n"
    assert (first.read_bytes(), code.wheel_of_checkout()) == (built, second)
    # as ndr-local builds it, with other modes of files
    before = os.umask(0o077)
    try:
        (other := tmp_path / "other").mkdir()
        assert code.build_wheel(other).read_bytes() == second.read_bytes()
    finally:
        os.umask(before)

    monkeypatch.setattr(code, "KEPT", 1)
    source.write_text("A = 3\n")
    third = code.wheel_of_checkout()
    assert [path.name for path in (tmp_path / code.BUILT).iterdir()] == [third.parent.name]


def test_a_wheel_that_cannot_be_kept_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "BUILT", tmp_path / "file")
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(code, "build_wheel", lambda folder: folder / "a.whl")
    with pytest.raises(
        DeploymentError, match=r"the wheel cannot be kept in .*file/.*\. Make the folder writable, or give --wheel"
    ):
        code.wheel_of_checkout()


def test_a_file_that_is_no_wheel_of_the_project_is_refused(tmp_path: Path) -> None:
    text, archive = tmp_path / "a.whl", tmp_path / "b.whl"
    text.write_text("no archive")
    with ZipFile(archive, "w") as made:
        made.writestr("a.py", "")
    for path in (text, archive):
        with pytest.raises(InputError, match=f"{path} is no wheel of the project: "):
            code.read_code(path)


def test_without_a_checkout_the_wheel_has_to_be_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "ROOT", tmp_path)
    with pytest.raises(DeploymentError, match=r"there is none\. Give it as --wheel"):
        code.read_code(None)
