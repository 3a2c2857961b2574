"""Folders that one process at a time works in."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from common.errors import InputError
from tools.demo.exclusive import exclusive


def test_a_folder_that_is_held_is_refused_until_it_is_free(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    with (
        exclusive(folder),
        pytest.raises(InputError, match=f"another ndr-demo is working in {folder}"),
        exclusive(folder),
    ):
        pass
    with exclusive(folder), exclusive(tmp_path):
        pass


def test_who_waits_goes_on_when_it_is_free(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order = []

    def second() -> None:
        with exclusive(tmp_path, waiting="waiting"):
            order.append("second")

    with exclusive(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
    assert capsys.readouterr().err == "waiting\n"
