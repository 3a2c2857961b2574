"""The pointer moves forwards and back, one mover at a time, and says who moved it, when and why."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from common.aws.swap import swapped
from common.detection.registry.decisions import Decision, Note, decisions
from common.detection.registry.formats import encoded, sha256
from common.detection.registry.pointer import ArtifactStore, current_run, model_store, read_pointer
from common.detection.registry.promotion import KEPT, Move, settle
from common.detection.registry.promotion import promote as promote_with_note
from common.detection.registry.promotion import roll_back as roll_back_with_note
from common.errors import ModelError
from common.lake.lake import Lake
from localaws.cli.process import LocalAws
from tests.factories import SPEC
from tests.localaws.running import unique

NOTE = Note("jane", "it finds more")


def promote(store: ArtifactStore, run: str) -> bool:
    return promote_with_note(store, "local", run, NOTE).moved


def roll_back(store: ArtifactStore, run_id: str | None = None, to: str | None = None) -> tuple[str | None, str]:
    move = roll_back_with_note(store, "local", NOTE, run_id, to)
    return move.before, move.current


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


def test_rollback_to_an_earlier_run_leaves_those_between(store: ArtifactStore) -> None:
    for run in ("a", "b", "c", "d"):
        promote(store, save(store, run))
    with pytest.raises(ModelError, match=r"model x was not current before d .* Choose one of c, b, a"):
        roll_back(store, to="x")
    assert roll_back(store, to="b") == ("d", "b")
    assert (previous(store), pointer(store)["rolled_back"]) == (["a"], ["d", "c"])


def test_the_pointer_says_who_moved_it_and_why(store: ArtifactStore) -> None:
    promote(store, save(store, "a"))
    promote(store, save(store, "b"))
    found = Decision.from_pointer(pointer(store)["decision"])
    assert found is not None
    assert (found.action, found.run_id, found.from_run, found.current_run) == ("promote", "b", "a", "b")
    assert (found.decided_by, found.reason, found.gates) == ("jane", "it finds more", "{}")


def test_each_move_is_recorded_once(store: ArtifactStore, tmp_path: Path) -> None:
    lake = Lake(str(tmp_path), SPEC)
    for run in ("a", "b"):
        promote(store, save(store, run))
        for _ in range(2):
            settle(lake, store)
    roll_back(store)
    settle(lake, store)
    promote(store, "b")  # the same pointer as before the rollback, but for the decisions
    settle(lake, store)
    found = [(entry.action, entry.run_id, entry.from_run, entry.current_run) for entry in decisions(lake, "local")]
    assert found == [
        ("promote", "a", None, "a"), ("promote", "b", "a", "b"),
        ("rollback", "b", "b", "a"), ("promote", "b", "a", "b"),
    ]  # fmt: skip
    assert len({entry.decision_id for entry in decisions(lake, "local")}) == 4
    assert decisions(lake, "other") == []


def test_two_that_record_a_decision_at_once_add_one_row(store: ArtifactStore, tmp_path: Path) -> None:
    promote(store, save(store, "a"))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: settle(Lake(str(tmp_path), SPEC), store), range(4)))
    assert len(decisions(Lake(str(tmp_path), SPEC), "local")) == 1


def move_all(store: ArtifactStore, runs: list[str]) -> list[Move]:
    with ThreadPoolExecutor(len(runs)) as pool:
        return list(pool.map(lambda run: promote_with_note(ArtifactStore(store.uri), "local", run, NOTE), runs))


def chained(store: ArtifactStore, runs: list[str]) -> None:
    """Checks that the moves of all runs followed one another: none was lost."""
    moves = move_all(store, runs)
    assert sorted([current_run(store), *previous(store)]) == sorted(runs)
    assert {move.before for move in moves} == {None, *previous(store)}


def test_promotions_at_once_follow_one_another(store: ArtifactStore) -> None:
    chained(store, [save(store, f"run-{number}") for number in range(6)])


@pytest.mark.slow
def test_promotions_at_once_follow_one_another_in_s3(aws_environment: LocalAws) -> None:
    bucket = unique("pointers")
    aws_environment.client("s3").create_bucket(Bucket=bucket)
    store = model_store(f"s3://{bucket}/lake", "local")
    assert swapped(store, "current.json", b"old", b"new") is False
    chained(store, [save(store, f"run-{number}") for number in range(6)])
    found = store.read("current.json")
    assert swapped(store, "current.json", None, b"new") is False
    assert swapped(store, "current.json", b"old", b"new") is False
    assert store.read("current.json") == found
    assert swapped(store, "current.json", found, b"{}") is True
