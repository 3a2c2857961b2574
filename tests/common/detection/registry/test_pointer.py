import json
from pathlib import Path
from typing import Any

import pytest

from common.detection.registry.formats import encoded, sha256
from common.detection.registry.pointer import (
    KEPT,
    ArtifactStore,
    current_run,
    model_store,
    promote,
    read_pointer,
    roll_back,
)
from common.errors import ModelError


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return model_store(str(tmp_path), "local")


def save(store: ArtifactStore, run: str) -> str:
    """A complete run of which only the manifest exists: all that the registry looks at."""
    manifest = encoded({"format_version": 2, "run_id": run})
    store.write(f"{run}/manifest.json", manifest)
    store.write(f"{run}/SUCCESS", f"{sha256(manifest)}\n".encode())
    return run


def pointer(store: ArtifactStore) -> dict[str, Any]:
    found = read_pointer(store)
    assert found is not None
    return found


def previous(store: ArtifactStore) -> list[str]:
    return [entry["run_id"] for entry in pointer(store)["previous"]]


def test_promotion_keeps_the_runs_before_it(store: ArtifactStore) -> None:
    for run in ("a", "b", "c"):
        assert promote(store, save(store, run)) is True
    assert current_run(store) == "c"
    assert previous(store) == ["b", "a"]


def test_promotion_of_the_current_run_changes_nothing(store: ArtifactStore) -> None:
    promote(store, save(store, "a"))
    promote(store, save(store, "b"))
    before = store.read("current.json")
    assert promote(store, "b") is False
    assert store.read("current.json") == before


def test_promotion_of_an_earlier_run_does_not_repeat_it(store: ArtifactStore) -> None:
    for run in ("a", "b"):
        promote(store, save(store, run))
    promote(store, "a")
    assert current_run(store) == "a"
    assert previous(store) == ["b"]


def test_only_the_last_runs_are_kept(store: ArtifactStore) -> None:
    for number in range(KEPT + 3):
        promote(store, save(store, f"run-{number:02}"))
    assert previous(store) == [f"run-{number:02}" for number in range(KEPT + 1, 1, -1)]


def test_rollback_goes_back_one_run_at_a_time(store: ArtifactStore) -> None:
    for run in ("a", "b", "c"):
        promote(store, save(store, run))
    assert roll_back(store) == ("c", "b")
    assert (current_run(store), previous(store)) == ("b", ["a"])
    assert roll_back(store) == ("b", "a")
    assert pointer(store)["rolled_back"] == ["b", "c"]
    with pytest.raises(ModelError, match=r"model a in .* is the first one"):
        roll_back(store)


def test_rollback_of_a_named_run_happens_once(store: ArtifactStore) -> None:
    for run in ("a", "b", "c"):
        promote(store, save(store, run))
    assert roll_back(store, "c") == ("c", "b")
    assert roll_back(store, "c") == ("b", "b")
    assert current_run(store) == "b"


def test_rollback_to_an_altered_run_is_refused_and_the_pointer_stays(store: ArtifactStore) -> None:
    for run in ("a", "b"):
        promote(store, save(store, run))
    changed = encoded({"format_version": 2, "run_id": "a", "rows": 7})
    store.write("a/manifest.json", changed)
    store.write("a/SUCCESS", f"{sha256(changed)}\n".encode())
    with pytest.raises(ModelError, match="model a is not the one that was promoted"):
        roll_back(store)
    assert current_run(store) == "b"


def test_rollback_without_a_model_says_so(store: ArtifactStore) -> None:
    with pytest.raises(ModelError, match="there is no current model"):
        roll_back(store)


def test_an_unfinished_run_is_not_promoted(store: ArtifactStore) -> None:
    promote(store, save(store, "a"))
    save(store, "b")
    (Path(store.uri) / "b" / "SUCCESS").unlink()
    with pytest.raises(ModelError, match="was not saved completely"):
        promote(store, "b")
    assert current_run(store) == "a"


def test_a_damaged_pointer_is_not_overwritten(store: ArtifactStore) -> None:
    store.write("current.json", b"{")
    with pytest.raises(ModelError, match=r"current\.json is damaged\. Delete it"):
        promote(store, save(store, "a"))


def test_a_pointer_of_before_the_history_is_read(store: ArtifactStore) -> None:
    """Pointers used to hold the run and its digest only."""
    save(store, "a")
    digest = store.read("a/SUCCESS").decode().strip()
    store.write("current.json", json.dumps({"run_id": "a", "manifest_sha256": digest}).encode())
    assert current_run(store) == "a"
    promote(store, save(store, "b"))
    assert previous(store) == ["a"]
