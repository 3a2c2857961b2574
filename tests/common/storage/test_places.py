"""Private folders of processes: who lives, who is dead, and who removes what."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from common.storage import places

HOLD = "import sys, time; from pathlib import Path; from common.storage.places import make_place; "
HOLD += "print(make_place(Path(sys.argv[1]), 'fg_a'), flush=True); time.sleep(60)"


def other_process(base: Path) -> tuple[subprocess.Popen[str], Path]:
    """Another process that holds a place."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(base)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, Path(process.stdout.readline().strip())


def test_a_place_is_private_and_removed_after_a_failure_too(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stop"), places.place(tmp_path / "base") as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        raise ValueError("stop")
    assert list((tmp_path / "base").iterdir()) == []


def test_a_killed_process_leaves_a_dead_place_that_names_its_purpose(tmp_path: Path) -> None:
    process, folder = other_process(tmp_path)
    with places.dead_places(tmp_path) as dead:
        assert dead == []
    assert places.living_purposes(tmp_path) == {"fg_a"}
    process.send_signal(signal.SIGSTOP)  # a process that is paused is not dead
    places.remove_dead_places(tmp_path)
    assert folder.exists()
    process.kill()
    process.wait()
    with places.dead_places(tmp_path) as dead:
        assert [(place.folder, place.purpose) for place in dead] == [(folder, "fg_a")]
        with places.dead_places(tmp_path) as meanwhile:
            assert meanwhile == []
    places.remove_dead_places(tmp_path)
    assert not folder.exists()


def test_own_places_live_and_all_are_removed_at_the_end(tmp_path: Path) -> None:
    folders = [places.make_place(tmp_path, purpose) for purpose in ("a", "b")]
    assert places.living_purposes(tmp_path) == {"a", "b"}
    for folder in folders:
        places.remove_place(folder)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_a_sweeping_process_took_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, True])
    monkeypatch.setattr(places, "_taken", lambda _: next(answers))
    folder = places.make_place(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    places.remove_place(folder)


def test_a_link_in_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    (tmp_path / f"{places.PREFIX}trap").mkdir()
    os.symlink(tmp_path / "precious", tmp_path / f"{places.PREFIX}trap" / places.LOCK)  # noqa: PTH211
    places.remove_dead_places(tmp_path)
    assert (tmp_path / "precious").exists() and (tmp_path / f"{places.PREFIX}trap").exists()
