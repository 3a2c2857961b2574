"""What is committed is what the sources generate; a difference is found and named, with the remedy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from statemachines.cli import main
from statemachines.definitions import MACHINES
from statemachines.generation.files import ALARMS, FRAGMENTS, ROOT, SOURCES, build, stale, write
from statemachines.generation.sources import SourceError

TRAINING = "sfn_ndr_training_orchestrator"
DEFINITION = Path("statemachines", f"{TRAINING}.asl.json")
PAGE = Path("docs", "machines", f"{TRAINING}.md")
FRAGMENTS_PAGE = Path("docs", "machines", "fragments.md")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the sources and all that they generate."""
    shutil.copytree(ROOT / SOURCES, tmp_path / SOURCES)
    (tmp_path / ALARMS).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / ALARMS, tmp_path / ALARMS)
    write(build(tmp_path), tmp_path)
    return tmp_path


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def generate(clone: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.setattr("statemachines.generation.files.ROOT", clone)
    return CliRunner().invoke(main, ["generate", *arguments])


def test_what_is_committed_is_what_the_sources_generate() -> None:
    built = build(ROOT)
    assert stale(built, ROOT) == []
    assert len(built) == 2 * len(MACHINES) + 2


def test_a_changed_source_is_found_by_both_files_that_it_makes(clone: Path) -> None:
    replace(clone / SOURCES / f"{TRAINING}.yaml", "NormalizeIncomingMessage", "UnwrapMessage")
    assert stale(build(clone), clone) == [PAGE, DEFINITION]


def test_a_changed_fragment_is_found_in_all_machines_that_use_it(clone: Path) -> None:
    replace(clone / FRAGMENTS / "failures.yaml", "MaxAttempts: 5", "MaxAttempts: 6")
    assert [path.suffix for path in stale(build(clone), clone)] == [".json"] * len(MACHINES)


def test_a_changed_definition_and_a_missing_page_are_found_and_made_anew(clone: Path) -> None:
    before = (clone / DEFINITION).read_text()
    replace(clone / DEFINITION, "259200", "259201")
    (clone / PAGE).unlink()
    built = build(clone)
    assert stale(built, clone) == [PAGE, DEFINITION]
    write(built, clone)
    assert (stale(built, clone), (clone / DEFINITION).read_text()) == ([], before)


def test_the_check_changes_nothing_and_names_what_differs_and_the_remedy(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert generate(clone, monkeypatch, "--check").exit_code == 0
    replace(clone / DEFINITION, "259200", "259201")
    result = generate(clone, monkeypatch, "--check")
    assert result.exit_code == 1
    assert f"{DEFINITION}: differs from what statemachines/sources generates. Run make statemachines" in result.output
    assert stale(build(clone), clone) == [DEFINITION]


def test_the_command_says_what_it_did_with_each_file(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace(clone / DEFINITION, "259200", "259201")
    left_over = Path("statemachines", "sfn_ndr_gone.asl.json")
    (clone / left_over).write_text("{}")
    lines = generate(clone, monkeypatch).output.splitlines()
    assert len(lines) == 2 * len(MACHINES) + 3
    assert {f"{DEFINITION}: written", f"{left_over}: removed", f"{PAGE}: unchanged"} <= set(lines)
    assert stale(build(clone), clone) == []


def test_every_fragment_is_listed_with_its_parameters(clone: Path) -> None:
    replace(clone / FRAGMENTS / "failures.yaml", "Five more", "Some more")
    table = build(clone)[FRAGMENTS_PAGE].splitlines()
    assert "| `retry` | list | Some more attempts after errors that may pass. | `errors` (optional) |" in table
    for name, kind in (
        ("emit_event", "state"),
        ("start_and_poll", "states"),
        ("closed_window", "text"),
        ("fail_when", "rule"),
    ):
        assert any(line.startswith(f"| `{name}` | {kind} | ") for line in table)


def test_a_fragment_that_no_source_uses_is_refused(clone: Path) -> None:
    (clone / FRAGMENTS / "more.yaml").write_text("spare: {about: a, value: 1}\n")
    with pytest.raises(SourceError, match=r"^no source uses the fragment spare\. Remove it$"):
        build(clone)


def test_a_machine_without_a_source_is_refused(clone: Path) -> None:
    (clone / SOURCES / f"{TRAINING}.yaml").unlink()
    with pytest.raises(SourceError, match=rf"differ in {TRAINING}\. Run this in a clone of the repository"):
        build(clone)
