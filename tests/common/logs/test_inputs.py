"""Inputs that hold more than files: pipes, links, loops, names of any kind."""

from __future__ import annotations

import bz2
import gzip
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from common.errors import FormatError, InputError, StorageError
from common.logs import ReadOptions, find_files, find_logs
from common.logs.files import open_file
from tests.common.logs.panos_logs import traffic
from tests.common.logs.test_files import write


@pytest.fixture(autouse=True)
def no_hang() -> Iterator[None]:
    """Ends the test process's wait for a pipe or a loop."""
    signal.alarm(60)
    yield
    signal.alarm(0)


@pytest.fixture
def log(tmp_path: Path) -> str:
    return write(tmp_path / "in/fw.csv", traffic())


def holes(folder: Path) -> dict[str, str]:
    logs = find_logs([str(folder)], ReadOptions())
    return {os.path.relpath(hole.path, folder): hole.reason for hole in logs.unreadable}


def test_a_named_pipe_is_not_opened(log: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "in/pipe")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "in/sock"))
    reason = "is a named pipe, which cannot be read twice"
    assert holes(tmp_path / "in") == {"pipe": reason, "sock": "is a socket"}
    assert find_files([str(tmp_path / "in")]) == [log]
    with pytest.raises(InputError, match=reason):
        find_logs([str(tmp_path / "in/pipe")], ReadOptions())
    with pytest.raises(InputError, match="is a device"):
        find_logs(["/dev/null"], ReadOptions())
    server.close()


def test_folders_and_files_behind_links_are_read_once(log: str, tmp_path: Path) -> None:
    other = write(tmp_path / "elsewhere/deep/other.csv", traffic())
    (tmp_path / "in/a-link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/again").symlink_to(tmp_path / "elsewhere/deep")
    (tmp_path / "in/z.csv").symlink_to(log)
    expected = [str(tmp_path / "in/again/other.csv"), log]
    assert find_files([str(tmp_path / "in")]) == expected
    assert find_files([f"{tmp_path}/in/**/*.csv"]) == expected
    assert find_files([str(tmp_path / "in"), other]) == expected
    (tmp_path / "way-in").symlink_to(tmp_path / "in")
    assert len(find_files([str(tmp_path / "way-in")])) == 2


def test_a_path_without_links_is_preferred(log: str, tmp_path: Path) -> None:
    inside = write(tmp_path / "in/zone/fw.csv", traffic())
    (tmp_path / "in/current").symlink_to("zone")
    assert find_files([str(tmp_path / "in")]) == [log, inside]


def test_loops_of_links_end(log: str, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / "in" / name).symlink_to(tmp_path / "in")
    (tmp_path / "in/sub").mkdir()
    (tmp_path / "in/sub/up").symlink_to("..")
    (tmp_path / "in/itself").symlink_to("itself")
    assert holes(tmp_path / "in") == {"itself": "is a broken symbolic link"}
    for pattern in ("in", "in/**", "in/**/*.csv", "**/*.csv", "in/**/fw*"):
        assert find_files([f"{tmp_path}/{pattern}"]) == [log]


def test_a_broken_link_is_seen(log: str, tmp_path: Path) -> None:
    (tmp_path / "in/gone.csv").symlink_to("nowhere")
    assert holes(tmp_path / "in") == {"gone.csv": "is a broken symbolic link"}
    with pytest.raises(InputError, match=r"gone\.csv is a broken symbolic link"):
        find_logs([str(tmp_path / "in/gone.csv")], ReadOptions())


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.csv", "a.csv"), ("**/*.csv", "a.csv s/b.csv s/t/c.csv"), ("**/t/*", "s/t/c.csv"), ("s/*/", "s/t/c.csv"),
        ("**/s/**/c*", "s/t/c.csv"), ("s", "s/b.csv s/t/c.csv"), ("?", "s/b.csv s/t/c.csv"),
        ("s/**", "s/b.csv s/t/c.csv"),
        ("**", "a.csv s/b.csv s/t/c.csv"), ("**/[st]", "s/b.csv s/t/c.csv"), ("**/t/", "s/t/c.csv"),
    ],
)  # fmt: skip
def test_globs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, found: str) -> None:
    for name in ("a.csv", "s/b.csv", "s/t/c.csv", "_x/d.csv", "s/.e.csv"):
        write(tmp_path / name, traffic())
    assert find_files([f"{tmp_path}/{pattern}"]) == [str(tmp_path / name) for name in found.split()]
    monkeypatch.chdir(tmp_path)
    assert find_files([pattern]) == found.split()


def test_names_of_any_kind(log: str, tmp_path: Path) -> None:
    two_lines = write(tmp_path / "in/two\nlines.csv", traffic())
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/in/caf\xe9.csv")).write_text(traffic())
    logs = find_logs([str(tmp_path / "in")], ReadOptions())
    assert logs.paths == (log, two_lines)
    assert [hole.reason for hole in logs.unreadable] == ["has a name that is not UTF-8"]
    for name, reason in (("k" * 10_000, "File name too long"), ("a\0b", "cannot be looked up|does not exist")):
        with pytest.raises(InputError, match=reason):
            find_logs([str(tmp_path / name)], ReadOptions())


@pytest.mark.parametrize(
    ("data", "looks"),
    [
        (b"PK\x03\x04", "zip archive"), (b"7z\xbc\xaf\x27\x1c", "7z archive"), (b"Obj\x01avro", "Avro file"),
        (b"\xff\x06\0\0sNaPpY", "snappy stream"), (b"\0" * 257 + b"ustar\0", "tar archive"),
        (gzip.compress(b"fw.log".ljust(257, b"\0") + b"ustar\0", mtime=0), "tar archive"),
        (bz2.compress(gzip.compress(traffic().encode(), mtime=0)), "file that is packed twice"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_read_say_what_they_are(log: str, tmp_path: Path, data: bytes, looks: str) -> None:
    path = write(tmp_path / "in/x.bin", data)
    assert holes(tmp_path / "in") == {"x.bin": f"is in no known log format: it is a {looks}"}
    with pytest.raises(FormatError, match=f"it is a {looks}"):
        find_logs([path], ReadOptions())


def test_what_this_user_may_not_read() -> None:
    """As another user, since root may read all; not below tmp_path, which each run of pytest closes to others."""
    script = (
        "import os, sys; from common.logs import *\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "logs = find_logs([sys.argv[1]], ReadOptions())\n"
        "print(*logs.paths, *(f'{os.path.basename(hole.path)} {hole.reason}' for hole in logs.unreadable), sep='|')"
    )
    with TemporaryDirectory() as folder:
        log, closed = write(Path(folder, "fw.csv"), traffic()), write(Path(folder, "closed.csv"), traffic())
        write(Path(folder, "shut/x.csv"), traffic())
        Path(folder).chmod(0o755)
        Path(closed).chmod(0)
        Path(folder, "shut").chmod(0)
        command = [sys.executable, "-c", script, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        Path(folder, "shut").chmod(0o700)
    assert (done.stdout.strip(), done.returncode) == (
        f"{log}|closed.csv cannot be read: Permission denied|shut cannot be listed: Permission denied",
        0,
    ), done.stderr


def test_an_error_while_reading_is_no_hole(tmp_path: Path) -> None:
    path = write(tmp_path / "fw.csv", traffic())
    with pytest.raises(StorageError, match=r"fw\.csv cannot be read: \[Errno 5\]"), open_file(path):
        raise OSError(5, "Input/output error")
