"""`make stage` begins a stage that passes all checks but its own test, or changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.errors import InputError
from tests.checkout import ROOT, copy_of_repository, run_make, run_python
from tools.scaffold.stage import LONGEST_NAME, NewStage, add

NEW = NewStage("ndr-top-talkers", "base-training")


def state(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A tree with nothing but the files that list stages."""
    (tmp_path / "docker-bake.hcl").write_text(
        'variable "ON_SAIL" {\n  default = [\n    "ndr-delta",\n  ]\n}\n\n'
        'variable "ON_TRAINING" {\n  default = [\n    "ndr-if-training",\n  ]\n}\n'
    )
    (tmp_path / "pyproject.toml").write_text(
        '[project.scripts]\nndr-delta = "jobs.delta.cli:main"\nndr-parse = "tools.parse.cli:main"\n'
    )
    return tmp_path


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("top-talkers", "cannot be the name of a stage"),
        ("ndr-Top", "cannot be the name of a stage"),
        ("ndr-top_talkers", "cannot be the name of a stage"),
        ("ndr-" + "a" * 37, "cannot be the name of a stage"),
        ("ndr-", "cannot be the name of a stage"),
        ("ndr-15m", "would be jobs.15m, which Python cannot import"),
        ("ndr-import", "would be jobs.import, which Python cannot import"),
    ],
)
def test_names_are_checked(command: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        NewStage(command)


def test_lines_go_where_stages_are_listed(small: Path) -> None:
    add(NEW, small)
    assert (small / "docker-bake.hcl").read_text() == (
        'variable "ON_SAIL" {\n  default = [\n    "ndr-delta",\n  ]\n}\n\n'
        'variable "ON_TRAINING" {\n  default = [\n    "ndr-if-training",\n    "ndr-top-talkers",\n  ]\n}\n'
    )
    assert (small / "pyproject.toml").read_text() == (
        '[project.scripts]\nndr-delta = "jobs.delta.cli:main"\nndr-top-talkers = "jobs.top_talkers.cli:main"\n'
        'ndr-parse = "tools.parse.cli:main"\n'
    )
    assert (small / "images/ndr-top-talkers/Dockerfile").read_text().startswith("FROM base-training\n")


def test_an_existing_stage_is_left_alone(small: Path) -> None:
    add(NEW, small)
    before = state(small)
    with pytest.raises(InputError, match="names ndr-top-talkers already"):
        add(NEW, small)
    with pytest.raises(InputError, match=r"docker-bake\.hcl names ndr-delta already"):
        add(NewStage("ndr-delta"), small)
    (small / "tests/jobs/other").mkdir(parents=True)
    with pytest.raises(InputError, match="tests/jobs/other exists already"):
        add(NewStage("ndr-other"), small)
    assert state(small) == before


def test_a_failure_half_way_leaves_nothing(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state(small)
    write = Path.write_text

    def full_disk(path: Path, text: str) -> int:
        if path.name == "Dockerfile":
            raise OSError("no space left on device")
        return write(path, text)

    monkeypatch.setattr(Path, "write_text", full_disk)
    with pytest.raises(OSError, match="no space left"):
        add(NEW, small)
    assert state(small) == before
    assert not (small / "jobs" / "top_talkers").exists()


def test_the_longest_name_is_formatted_too(small: Path) -> None:
    longest = NewStage("ndr-" + "a" * (LONGEST_NAME - 4))
    add(longest, small)
    (small / "common").symlink_to(ROOT / "common")  # else ruff takes it for a library
    for check in (["check"], ["format", "--check"]):
        done = run_python(small, "-m", "ruff", *check, "--config", str(ROOT / "pyproject.toml"), "jobs", "tests")
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.long
def test_in_the_repository(tmp_path: Path) -> None:
    """The new stage passes lint and types, has help, and one test, which says what to write."""
    root = copy_of_repository(tmp_path / "repository")
    made = run_make(root, ["stage", "NAME=ndr-top-talkers"])
    assert made.returncode == 0, made.stderr
    assert "wrote jobs/top_talkers/cli.py\n" in made.stdout
    assert 'Stage("ndr-top-talkers", "jobs.top_talkers", "<what it makes>"),' in made.stdout

    python_files = ["jobs/top_talkers", "tests/jobs/top_talkers"]
    for check in (["ruff", "check"], ["ruff", "format", "--check"], ["mypy", "--follow-imports=silent"]):
        done = run_python(root, "-m", *check, *python_files)
        assert done.returncode == 0, done.stdout + done.stderr
    shown = run_python(root, "-m", "jobs.top_talkers.cli", "--help")
    assert "Example: ndr-top-talkers --window" in shown.stdout, shown.stderr
    tested = run_python(root, "-m", "pytest", "-p", "no:cacheprovider", "tests/jobs/top_talkers")
    assert tested.returncode == 1
    assert "Failed: write this test: rows that the stage reads" in tested.stdout

    again = run_make(root, ["stage", "NAME=ndr-top-talkers"])
    assert "error: docker-bake.hcl names ndr-top-talkers already" in again.stderr
