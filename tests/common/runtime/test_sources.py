"""The digest of sources: of names and contents, and of nothing that changes by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.runtime.sources import sources_digest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "folder" / "below").mkdir(parents=True)
    (tmp_path / "folder" / "below" / "a.py").write_text("one")
    (tmp_path / "file").write_bytes(b"\xff\x00")
    return tmp_path


def test_content_names_and_what_makes_it_count(root: Path) -> None:
    found = [
        sources_digest(root, ["folder", "file"]),
        sources_digest(root, ["folder"]),
        sources_digest(root, ["folder"], "tool 2"),
    ]
    (root / "folder" / "below" / "a.py").write_text("two")
    found.append(sources_digest(root, ["folder"]))
    (root / "folder" / "below" / "a.py").rename(root / "folder" / "below" / "b.py")
    found.append(sources_digest(root, ["folder"]))
    assert len({*found}) == len(found) == 5


def test_order_modes_and_caches_do_not_count(root: Path) -> None:
    before = sources_digest(root, ["folder", "file"])
    (root / "folder" / "__pycache__").mkdir()
    (root / "folder" / "__pycache__" / "a.pyc").write_text("of Python")
    (root / "file").chmod(0o600)
    assert sources_digest(root, ["file", "folder"]) == before


def test_what_is_missing_is_no_empty_file(root: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sources_digest(root, ["none"])
