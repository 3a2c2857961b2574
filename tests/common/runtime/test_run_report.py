import io
import json
from collections.abc import Sequence

import pytest

from common.runtime.run_report import RunReport


def progress(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, moments: Sequence[float]) -> str:
    """The output of a step that reports progress at these seconds after its start."""
    clock = iter(moments)
    report = RunReport("ndr-delta", _stream=stream)
    monkeypatch.setattr("common.runtime.output._said", 0.0)
    monkeypatch.setattr("common.runtime.output.time.monotonic", lambda: next(clock))
    for number in range(len(moments)):
        report.progress("parse", number + 1, len(moments), "files")
    return stream.getvalue()


def test_a_log_gets_progress_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    text = progress(io.StringIO(), monkeypatch, [0.1, 4.9, 5.1, 5.2, 10.2, 11.0])
    assert [json.loads(line)["done"] for line in text.splitlines()] == [3, 5]


def test_steps_are_logged_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    with RunReport("ndr-delta", _stream=stream).step("parse"):
        pass
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["started", "finished"]


def test_a_step_that_fails_is_no_step_of_the_report() -> None:
    report = RunReport("ndr-delta", _stream=io.StringIO())
    with pytest.raises(KeyError), report.step("parse"):
        raise KeyError
    assert report.steps == []


def test_the_report_and_its_events_have_one_run_id() -> None:
    stream = io.StringIO()
    report = RunReport("ndr-delta", run_id="batch-7", _stream=stream)
    report.log("parse", "started")
    assert json.loads(report.to_json())["run_id"] == json.loads(stream.getvalue())["run_id"] == "batch-7"


@pytest.mark.parametrize("name", ["_began", "_stream"])
def test_the_report_shows_nothing_private(name: str) -> None:
    assert name.strip("_") not in json.loads(RunReport("ndr-delta").to_json())
