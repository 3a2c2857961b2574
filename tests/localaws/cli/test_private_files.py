"""What a home folder holds is the user's alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from localaws.cli.private_files import make_private, private_append, write_private
from localaws.cli.process import LocalAws
from localaws.credential import FILE_NAME, Credential
from tests.localaws.running import running_local_aws, write_step
from tests.localaws.services.sagemaker.pipelines import definition, run, step

pytestmark = pytest.mark.slow


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def open_to_others(home: Path) -> dict[str, str]:
    """The files and folders of a home that others have a right to, but those that the test itself put there."""
    found = [path for path in (home, *home.rglob("*")) if "bin" not in path.parts[len(home.parts) :]]
    return {str(path.relative_to(home)): oct(mode(path)) for path in found if mode(path) & 0o077}


@pytest.fixture(autouse=True)
def usual_umask() -> None:
    """That of most users; pytest's folders have rights of their own."""
    os.umask(0o022)


def test_all_files_of_a_home_are_the_users_and_hold_no_secret(tmp_path: Path) -> None:
    home, outside = tmp_path / "home", tmp_path / "made-by-step"
    write_step(home / "bin", "ndr-show", 'env | cut -d= -f1; touch "$1"; touch in-scratch')
    with running_local_aws(home) as local:
        assert run(local, definition(step("A", "ndr-show", str(outside))))["PipelineExecutionStatus"] == "Succeeded"
        local.client("s3").create_bucket(Bucket="private")
        local.client("s3").put_object(Bucket="private", Key="folder/object", Body=b"x")
        redshift = local.client("redshift-data")
        redshift.execute_statement(Sql="SELECT 1", WorkgroupName="ndr", Database="ndr")
        used = LocalAws.of(home).client("stepfunctions").list_state_machines()["stateMachines"]
        assert used == []
        of_server = Path(f"/proc/{local.pid()}/cmdline").read_bytes()
    assert open_to_others(home) == {"scratch/" + str(p.relative_to(home / "scratch")): oct(mode(p))
                                    for p in home.glob("scratch/**/in-scratch")}  # fmt: skip
    assert mode(outside) == 0o644  # what steps make is as the user's own commands make it
    secret = Credential.of(home).secret.encode()
    assert secret not in of_server
    files = [path for path in home.rglob("*") if path.is_file() and path.name != FILE_NAME]
    assert len(files) > 5
    assert [path for path in files if secret in path.read_bytes()] == []


def test_a_home_of_an_earlier_release_is_closed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for name in ("logs/p/e", "s3/bucket"):
        (home / name).mkdir(parents=True)
    for name in ("state.sqlite3", "state.sqlite3-wal", "server.log", "lock", "project.yaml"):
        (home / name).write_text("")
    (tmp_path / "mine").mkdir(mode=0o755)
    (home / "scratch").symlink_to(tmp_path / "mine")
    make_private(home)
    assert mode(home) == 0o700
    found = open_to_others(home)
    assert set(found) == {"logs/p", "logs/p/e", "s3/bucket", "project.yaml", "scratch"}  # behind closed folders
    assert mode(tmp_path / "mine") == 0o755


def test_files_are_replaced_and_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_private(path, "a longer text")
    write_private(path, "short")
    with private_append(path) as file:
        file.write(b" more")
    assert (path.read_text(), mode(path)) == ("short more", 0o600)
