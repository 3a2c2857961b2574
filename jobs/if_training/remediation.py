"""The stage that has missing windows built: at most two rounds, each planned before it is started."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from common.errors import StageError
from common.runtime.output import doing
from common.windows import Windows
from jobs.if_training.backfill import Backfill, requests
from jobs.if_training.coverage import Coverage, measure, named
from jobs.if_training.lifecycle import Artifact, TrainingRun, before

ROUNDS_MOST = 2


def remediate(run: TrainingRun) -> None:
    """Starts the backfill of the missing windows and waits for it, twice at most; nothing missing, nothing started.

    A round is written down before it is started, so that a stage that was killed takes it up again. Windows that are
    missing in the end are not a failure here: verification follows.

    Raises:
        StageError: windows are missing and no state machine was named, or an execution takes too long.
        AwsError: the state machine cannot be started or looked at.
    """
    verified = run.require(before("remediate"))
    earlier = run.read("remediate") or {}
    rounds: list[Artifact] = earlier.get("rounds", [])
    with run.report.step("remediate"):
        if not (verified["missing"] or rounds or run.config.missing_windows):
            _finish(run, rounds, {}, [])
            return
        coverage = measure(run.lake, run.config.windows, run.project.model_horizon)
        wanted = _wanted(run, verified, coverage, rounds)
        if not run.config.backfill_state_machine:
            _finish(run, rounds, coverage.missing, _gaps_of_lake(run, coverage, wanted))
            return
        backfill = Backfill(
            run.config.backfill_state_machine,
            run.parameters.backfill_poll_seconds,
            run.parameters.backfill_poll_attempts,
        )
        while _open(rounds) or (wanted and len(rounds) < ROUNDS_MOST):
            if not _open(rounds):
                rounds.append(_planned(run, len(rounds) + 1, wanted))
            _run_round(run, backfill, rounds)
            coverage = measure(run.lake, run.config.windows, run.project.model_horizon)
            wanted = _wanted(run, verified, coverage, rounds)
        _finish(run, rounds, coverage.missing, sorted(_gaps_of(rounds) & set(coverage.missing)))


def _wanted(run: TrainingRun, verified: Artifact, coverage: Coverage, rounds: list[Artifact]) -> list[str]:
    """The windows to build now: those that the verifier or the user listed and that are missing.

    In the first round also those that the user listed though they are there.
    """
    if run.config.missing_windows is None:
        return sorted(set(verified["missing"]) & set(coverage.missing) - _gaps_of(rounds))
    listed = {window.key for window in run.config.missing_windows}
    return sorted(listed if not rounds else listed & set(coverage.missing) - _gaps_of(rounds))


def _open(rounds: list[Artifact]) -> bool:
    """Whether the last round was begun and has not ended."""
    return bool(rounds) and not rounds[-1]["ended"]


def _gaps_of_lake(run: TrainingRun, coverage: Coverage, wanted: list[str]) -> list[str]:
    """Without a state machine: the windows of which the lake has no slices, where the lake is all there is.

    Raises:
        StageError: windows are missing otherwise.
    """
    gaps = sorted(coverage.without_slices) if run.alone else []
    if lacking := sorted(set(wanted) - set(gaps)):
        reasons = ", ".join(sorted({coverage.missing.get(key, "named by hand") for key in lacking}))
        raise StageError(
            f"{len(lacking):,} of {len(coverage.windows):,} windows of {run.config.windows} are missing ({reasons}): "
            f"{named(lacking)}; no state machine to build them was given",
            "Run ndr-fg-a and ndr-fg-c for them, or give --backfill-state-machine",
        )
    return gaps


def _planned(run: TrainingRun, number: int, keys: list[str]) -> Artifact:
    windows = [Windows.parse(key) for key in keys]
    executions: list[Artifact] = [
        {"input": request, "execution_arn": None, "status": None, "gaps": [], "failures": []}
        for request in requests(run.config.project_name, run.config.feature_spec_version, run.run_id, number, windows)
    ]
    return {"round": number, "windows": len(keys), "ended": False, "executions": executions}


def _run_round(run: TrainingRun, backfill: Backfill, rounds: list[Artifact]) -> None:
    """Runs the executions of the last round one after the other: later windows look back on earlier ones."""
    executions: list[dict[str, Any]] = rounds[-1]["executions"]
    for number, execution in enumerate(executions):
        if execution["status"] is not None:
            continue
        _note(run, rounds)
        execution["execution_arn"] = backfill.start(execution["input"])
        doing(f"waiting for execution {number + 1} of {len(executions)}")
        outcome = backfill.wait(execution["execution_arn"])
        execution |= {"status": outcome.status, "gaps": outcome.gaps, "failures": outcome.failures}
        run.report.progress("remediate", number + 1, len(executions), f"executions of round {len(rounds)}")
    rounds[-1]["ended"] = True
    _note(run, rounds)


def _note(run: TrainingRun, rounds: list[Artifact]) -> None:
    run.write("remediate", False, "running", {"rounds": rounds, "gaps": [], "failures": []}, "it has not ended")


def _finish(run: TrainingRun, rounds: list[Artifact], lacking: Iterable[str], gaps: list[str]) -> None:
    missing = sorted(set(lacking) - set(gaps))
    failures = [reason for entry in rounds[-1:] for one in entry["executions"] for reason in one["failures"]]
    status = "incomplete" if missing else "complete with gaps" if gaps else "complete"
    content = {"rounds": rounds, "gaps": gaps, "still_missing": missing, "failures": failures}
    run.write("remediate", True, status, content)
    started = sum(len(entry["executions"]) for entry in rounds)
    run.describe(
        remediate={"rounds": len(rounds), "executions": started, "gaps": len(gaps), "still_missing": len(missing)}
    )


def _gaps_of(rounds: list[Artifact]) -> set[str]:
    return {key for entry in rounds for one in entry["executions"] for key in one["gaps"]}
