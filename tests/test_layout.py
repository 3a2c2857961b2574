"""The tests mirror the source: who knows where a module lives knows where its tests live."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checkout import ROOT

TESTS = ROOT / "tests"
OF_THEIR_OWN = {
    "c360": "the commands of Customer 360 together, against the truth of simulated days",
    "e2e": "the commands together, over whole lakes",
    "contributing": "the worked examples of docs/contributing, followed step by step",
    "oracle": "a second calculation of the features in SQL, and the tests of it",
    "permissions": "runs on the local AWS without one of the permissions of a role",
    "torture": "the long run of kills, schedules and damaged files",
    "statemachines/machines": "runs of the state machines, whose definitions lie directly in statemachines/",
    "statemachines/simulation": "schedules of many executions of these machines at once",
}
"""Folders of tests that no source folder stands for, and what they hold."""


def folders(root: Path) -> list[str]:
    """The folders below the root that hold Python modules, as paths below it."""
    found = {path.parent.relative_to(root).as_posix() for path in root.rglob("*.py")}
    return sorted(found - {"."})


@pytest.mark.parametrize("folder", [name for name in folders(TESTS) if name.split("/")[0] not in OF_THEIR_OWN])
def test_a_folder_of_tests_mirrors_a_folder_of_the_source(folder: str) -> None:
    assert folder in OF_THEIR_OWN or (ROOT / folder).is_dir()


PACKAGES = [f"{root}/{name}" for root in ("jobs", "tools") for name in folders(ROOT / root)]


@pytest.mark.parametrize("package", [name for name in PACKAGES if (ROOT / name / "__init__.py").exists()])
def test_a_stage_or_tool_has_tests_in_its_place(package: str) -> None:
    assert list((TESTS / package).glob("test_*.py"))


def test_no_folder_of_tests_is_empty() -> None:
    assert not [name for name in folders(TESTS) if not [*(TESTS / name).rglob("test_*.py")]]


def test_exceptions_are_needed() -> None:
    assert not [name for name in OF_THEIR_OWN if not (TESTS / name).is_dir() or (ROOT / name).is_dir()]
