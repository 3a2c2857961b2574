"""How the schedule ends manifests whose execution ended without saying how it went."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from common.errors import AwsError
from common.ingestion.events import Announced
from common.ingestion.items import ManifestRecord, TrackedFile, files_of
from common.ingestion.keys import manifest_key
from common.ingestion.writes import Item
from jobs.manifest_builder import claims
from jobs.manifest_builder.job import run
from jobs.manifest_builder.manifests import Manifests
from jobs.manifest_builder.tracking import track
from tests.jobs.manifest_builder.memory import Memory
from tests.jobs.manifest_builder.worlds import CONFIG

LEASE = 61


class Executed:
    """A manifest of three files of a past day, whose execution has taken it up."""

    def __init__(self) -> None:
        self.memory = Memory()
        for letter in "abc":
            track(Announced("landing", f"{letter}-2026-03-09.ndjson", 5, letter), CONFIG, self.memory.stores)
        made = Manifests(self.memory.stores, CONFIG).make(files_of(self.memory.table.of_kind("file")))
        assert made
        self.id, self.path, self.name = made.id, made.manifest_path, f"{made.id}-1"
        self.set("manifest", status="processing")
        self.set("file", status="processing")

    def set(self, kind: str, number: slice = slice(None), **values: str | int) -> None:
        """Changes items of a kind."""
        for item in self.memory.table.of_kind(kind)[number]:
            item |= values

    @property
    def record(self) -> Item:
        return self.memory.table.items[manifest_key("2026-03-09", self.id)]

    @property
    def files(self) -> list[str]:
        """The states of the files."""
        return [TrackedFile.from_item(item).status.value for item in self.memory.table.of_kind("file")]

    def sweep(self, wait: float = LEASE) -> None:
        self.memory.clock.wait(wait)
        run({}, CONFIG, self.memory.stores)


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> Executed:
    monkeypatch.setattr(claims, "MOST_WRITES", 2)
    return Executed()


@pytest.mark.parametrize("marked", [0, 1, 3])
def test_a_manifest_whose_job_is_done_is_completed_with_its_files(executed: Executed, marked: int) -> None:
    executed.set("file", slice(marked), status="completed")
    executed.memory.executions.end(executed.name, "SUCCEEDED", status="SUCCEEDED", job_run_id="jr_1")
    executed.sweep()
    assert (executed.record["status"], executed.record["job_run_id"]) == ("completed", "jr_1")
    assert "pending_shard" not in executed.record
    assert executed.files == ["completed"] * 3
    assert not executed.memory.alerts.sent


def test_what_is_completed_then_is_forgotten_after_the_days_of_the_configuration(executed: Executed) -> None:
    executed.memory.executions.end(executed.name, "SUCCEEDED", status="SUCCEEDED", job_run_id="jr_1")
    executed.memory.clock.wait(LEASE)
    run({}, replace(CONFIG, tracking_days=400), executed.memory.stores)
    until = int(executed.memory.clock().timestamp()) + 400 * 86400
    assert {item["expires_at"] for item in (executed.record, *executed.memory.table.of_kind("file"))} == {until}


@pytest.mark.parametrize(
    ("how", "output"), [("ABORTED", {}), ("TIMED_OUT", {}), ("SUCCEEDED", {"status": "NOTHING_TO_DO"})]
)
def test_one_whose_job_is_not_done_has_failed_which_is_said_once(
    executed: Executed, how: str, output: dict[str, str]
) -> None:
    executed.memory.executions.end(executed.name, how, **output)
    for _ in range(3):
        executed.sweep()
    cause = f"execution {executed.name} ended as {how} without a final state"
    assert (executed.record["status"], executed.record["error"]) == ("failed", cause)
    assert "pending_shard" not in executed.record
    assert executed.files == ["failed"] * 3
    ((subject, text),) = executed.memory.alerts.sent
    assert subject == f"NDJSON ingestion: manifest {executed.id} failed"
    assert text == {
        "manifest_id": executed.id,
        "manifest_path": executed.path,
        "attempt": 1,
        "error": "Ndr.ExecutionEnded",
        "cause": cause,
        "execution": executed.name,
        "what_to_do": f"Correct the cause, then: ndr-ingestion reprocess {executed.id}",
    }


def test_one_that_goes_on_is_left(executed: Executed) -> None:
    executed.sweep()
    assert executed.record["status"] == "processing"
    assert executed.files == ["processing"] * 3


def test_one_that_has_changed_since_it_was_read_is_left(executed: Executed) -> None:
    stale = ManifestRecord.from_item(executed.record)
    executed.memory.executions.end(executed.name, "ABORTED")
    executed.sweep()
    Manifests(executed.memory.stores, CONFIG).settle(stale)
    assert len(executed.memory.alerts.sent) == 1


def test_an_alert_that_cannot_be_sent_is_sent_by_a_later_sweep(
    executed: Executed, monkeypatch: pytest.MonkeyPatch
) -> None:
    executed.memory.executions.end(executed.name, "ABORTED")

    def fail(*text: Any) -> None:
        raise AwsError("a message cannot be published", "Try again")

    with monkeypatch.context() as broken:
        broken.setattr(executed.memory.alerts, "send", fail)
        executed.memory.clock.wait(LEASE)
        with pytest.raises(AwsError):
            run({}, CONFIG, executed.memory.stores)
    assert executed.record["status"] == "processing"
    executed.sweep(wait=1)  # another builder may be at it
    assert not executed.memory.alerts.sent
    executed.sweep()
    assert (executed.record["status"], len(executed.memory.alerts.sent)) == ("failed", 1)


def test_what_waits_for_its_execution_is_started_without_waiting(executed: Executed) -> None:
    executed.set("manifest", status="manifested", attempt=2)
    executed.sweep(wait=0)
    assert list(executed.memory.executions.inputs) == [executed.name, f"{executed.id}-2"]
