"""Steps of the demo, and what it need not do again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tools.demo.steps import Steps


def test_a_step_runs_again_only_after_its_input_or_an_earlier_step_changed(tmp_path: Path) -> None:
    done: list[str] = []

    def work(name: str) -> dict[str, Any]:
        done.append(name)
        return {"name": name}

    def chain(fingerprint: str, given: str) -> None:
        steps = Steps(tmp_path / "steps.json", 3, fingerprint)
        steps.call("one", "one", lambda: work("one"), "same")
        steps.call("two", "two", lambda: work("two"), given)
        steps.each("parts", "part", [("a", "a"), ("b", "b")], work)

    chain("logs", "x")
    assert done == ["one", "two", "a", "b"]
    chain("logs", "x")
    assert done == ["one", "two", "a", "b"]
    chain("logs", "y")
    assert done[4:] == ["two", "a", "b"]
    chain("other logs", "y")
    assert done[7:] == ["one", "two", "a", "b"]
