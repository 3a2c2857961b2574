"""Files of a folder on disk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from common.errors import StorageError
from common.storage.files import Folder, read_lines


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path / "folder"))


def test_what_was_written_is_read(folder: Folder) -> None:
    folder.write("a/b.json", b"old")
    folder.write("a/b.json", b"new")
    assert folder.read("a/b.json") == b"new"


def test_a_list_names_all_files_below_in_order(folder: Folder) -> None:
    for name in ("b", "a/c/d", "a/b"):
        folder.write(name, name.encode())
    assert [(entry.name, entry.size) for entry in folder.list()] == [("a/b", 3), ("a/c/d", 5), ("b", 1)]
    assert [entry.name for entry in folder.list("a/c")] == ["a/c/d"]
    assert all(abs(entry.modified - datetime.now(UTC)) < timedelta(minutes=1) for entry in folder.list())


def test_a_folder_that_does_not_exist_holds_nothing(folder: Folder) -> None:
    assert folder.list() == []
    assert not folder.exists("a")
    with pytest.raises(StorageError, match="folder does not exist"):
        folder.require()


def test_only_files_exist(folder: Folder) -> None:
    folder.write("a/b", b"")
    assert folder.exists("a/b") and not folder.exists("a")
    folder.delete("a/b")
    assert not folder.exists("a/b")
    folder.require()


@pytest.mark.parametrize("name", ["missing", "a/missing"])
def test_missing_files_are_named(folder: Folder, name: str) -> None:
    with pytest.raises(StorageError, match=f"folder/{name} does not exist"):
        folder.read(name)
    with pytest.raises(StorageError, match=f"folder/{name}"):
        folder.delete(name)


def test_a_file_in_the_place_of_a_folder_is_an_error(folder: Folder) -> None:
    folder.write("a", b"")
    with pytest.raises(StorageError, match="folder/a/b cannot be written"):
        folder.write("a/b", b"")


def test_lines_are_those_that_are_not_blank(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("one\n\n  two \n   \n")
    assert read_lines(str(tmp_path / "list.txt")) == ["one", "two"]


def test_the_bytes_are_those_that_were_written_whatever_the_name_ends_in(folder: Folder) -> None:
    folder.write("model.tar.gz", b"as it is")
    assert (Path(folder.uri) / "model.tar.gz").read_bytes() == b"as it is"
    assert folder.read("model.tar.gz") == b"as it is"
