"""The code of the Glue jobs: the project's wheel, and the scripts that it holds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import BadZipFile, ZipFile

from botocore.exceptions import ClientError

from common.aws.clients import S3_CHANGED, aws_errors
from common.errors import DeploymentError, InputError
from common.runtime.sources import LEFT_OUT, sources_digest
from common.storage.drafts import draft

ROOT = Path(__file__).parents[2]
BUILT = Path("build", "wheels")
"""Below the checkout: the wheels that were built last, each in a folder that is named for what it was built from."""
KEPT = 5
"""So many of them."""
FOLDER = "ingestion"
SCRIPTS = {"GlueScript": "jobs/ndjson_to_parquet/ndr_ndjson_to_parquet.py"}
CUSTOMER_360_SCRIPTS = {
    "CleanScript": "jobs/c360_clean/c360_clean.py",
    "StagingScript": "jobs/c360_staging/c360_staging.py",
}
"""The script of each job in the wheel, by the parameter of the stack that is its key."""
BESIDE = ("pyproject.toml", "README.md", "LICENSE", "NOTICE")
BUILD = "import sys, setuptools.build_meta as backend; backend.build_wheel(sys.argv[1])"
EPOCH = "1577836800"
"""The time of all files in the wheel, in seconds since 1970: 2020-01-01."""

Code = dict[str, tuple[str, bytes]]
"""Key and content of wheel and scripts, by the parameter of the stack that is the key."""


def read_code(wheel: Path | None, scripts: Mapping[str, str] = SCRIPTS) -> Code:
    """The code in the wheel, or in that of the checkout; its keys stand for the wheel's bytes.

    Raises:
        DeploymentError: there is no checkout, or the wheel cannot be built.
        InputError: the file is no wheel of the project.
    """
    path = wheel or wheel_of_checkout()
    try:
        content = path.read_bytes()
        with ZipFile(path) as archive:
            contents = {name: (Path(script).name, archive.read(script)) for name, script in scripts.items()}
    except (OSError, BadZipFile, KeyError) as error:
        raise InputError(f"{path} is no wheel of the project: {error}", "Leave out --wheel in a checkout") from None
    place = f"{FOLDER}/{sha256(content).hexdigest()[:16]}"
    return {
        "GlueWheel": (f"{place}/{path.name}", content),
        **{name: (f"{place}/{script}", text) for name, (script, text) in contents.items()},
    }


def wheel_of_checkout() -> Path:
    """The wheel of the checkout, kept below `build/`: built only if what it is built from, or with, is different.

    Raises:
        DeploymentError: there is no checkout, or the wheel cannot be built or kept.
    """
    place = ROOT / BUILT / sources_digest(ROOT, [*_packages(), *BESIDE], _builder())
    if found := [*place.glob("*.whl")]:
        return found[0]
    with TemporaryDirectory() as folder:
        built = build_wheel(Path(folder))
        try:
            place.mkdir(parents=True, exist_ok=True)
            with draft(place / built.name) as path:
                shutil.copy(built, path)
            for former in sorted(place.parent.iterdir(), key=lambda path: path.stat().st_mtime)[:-KEPT]:
                shutil.rmtree(former)
        except OSError as error:
            raise DeploymentError(
                f"the wheel cannot be kept in {place}: {error}", "Make the folder writable, or give --wheel"
            ) from None
    return place / built.name


def build_wheel(folder: Path) -> Path:
    """The wheel of the checkout, built in this folder: the same bytes whenever and by whomever it is built.

    Nothing is left in the checkout.

    Raises:
        DeploymentError: there is no checkout, or the wheel cannot be built.
    """
    source = folder / "source"
    for name in _packages():
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for name in BESIDE:
        shutil.copy(ROOT / name, source)
    for path in source.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    command = [sys.executable, "-c", BUILD, str(folder)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH}
    done = subprocess.run(
        command, cwd=source, env=environment, umask=0o022, capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise DeploymentError(f"the project's wheel cannot be built: {reason}", "Install setuptools, or give --wheel")
    (wheel,) = folder.glob("*.whl")
    return wheel


def _builder() -> str:
    """What else than the sources decides the bytes of a wheel."""
    try:
        return f"setuptools {version('setuptools')}, Python {sys.version}"
    except PackageNotFoundError:
        raise DeploymentError(
            "the project's wheel cannot be built: setuptools is missing", "Install setuptools, or give --wheel"
        ) from None


def _packages() -> list[str]:
    """The folders of the packages that are in the wheel."""
    if not (ROOT / "pyproject.toml").exists():
        raise DeploymentError("the project's wheel is built from a checkout, but there is none", "Give it as --wheel")
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    return [package.rstrip("*") for package in found]


def upload_code(s3: Any, bucket: str, code: Code) -> str:
    """What was done: `uploaded`, or `unchanged` if the bucket has the code.

    Raises:
        DeploymentError: the bucket has something else where the code belongs.
        AwsError: the bucket cannot be written.
    """
    done = [_put(s3, bucket, key, content) for key, content in code.values()]
    return "uploaded" if any(done) else "unchanged"


def _put(s3: Any, bucket: str, key: str, content: bytes) -> bool:
    """Writes an object; False if there is one with the key, which must be the same."""
    with aws_errors(f"s3://{bucket}/{key} cannot be written"):
        try:
            s3.put_object(Bucket=bucket, Key=key, Body=content, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in S3_CHANGED:
                raise
            if s3.get_object(Bucket=bucket, Key=key)["Body"].read() != content:
                raise DeploymentError(
                    f"s3://{bucket}/{key} was altered after it was deployed", "Find out by whom, remove it, and repeat"
                ) from None
            return False
    return True
