"""The stages that check the features of the range: before remediation, and after it."""

from __future__ import annotations

from common.display import counted
from common.errors import InputError, StageError, TableError
from common.lake.lake import Lake
from common.lake.learning import day_of_project, is_young
from jobs.if_training.coverage import Coverage, measure, named
from jobs.if_training.lifecycle import LEARNING, Artifact, TrainingRun, before

TABLES = ("fg_a", "fg_c")


def verify(run: TrainingRun) -> None:
    """Writes the coverage of the range. Missing windows are not a failure here: remediation follows.

    Raises:
        TableError: a table lacks columns or has them in other types: no window can be rebuilt.
        InputError: a host has several rows in a window, so that the join would repeat it.
    """
    with run.report.step("verify"):
        problems = schema_problems(run.lake)
        if problems:
            _refuse(run, {"problems": problems}, TableError("; ".join(problems), "Rebuild the table"))
        coverage = measure(run.lake, run.config.windows, run.project.model_horizon)
        figures = _figures(run, coverage)
        if coverage.duplicates:
            _refuse(run, figures, _duplicates(run, coverage))
        run.write("verify", True, "incomplete" if coverage.missing else "complete", figures)
    run.describe(verify=_summary(coverage))


def reverify(run: TrainingRun) -> None:
    """Writes whether the range can be trained on, and fails if it cannot, unless the project is too young for it.

    Raises:
        StageError: windows that are not gaps are missing, or there are more gaps than `min_coverage` allows.
        InputError: a host has several rows in a window.
    """
    remediation = run.require(before("reverify"))
    with run.report.step("reverify"):
        coverage = measure(run.lake, run.config.windows, run.project.model_horizon)
        gaps = sorted(set(remediation["gaps"]) & set(coverage.missing))
        figures = _figures(run, coverage) | {"gaps": gaps}
        if coverage.duplicates:
            _refuse(run, figures, _duplicates(run, coverage), "reverify")
        if lacking := sorted(set(coverage.missing) - set(gaps)):
            _refuse(run, figures, _lacking(run, coverage, lacking, remediation), "reverify")
        if reason := _learning(run, coverage):
            run.write("reverify", False, LEARNING, figures, reason)
        elif coverage.share < run.parameters.min_coverage:
            _refuse(run, figures, _sparse(run, coverage), "reverify")
        else:
            run.write("reverify", True, "complete" if not gaps else "complete with gaps", figures)
    run.describe(reverify=_summary(coverage) | {"gaps": len(gaps)})


def schema_problems(lake: Lake) -> list[str]:
    """What is wrong with the columns of the feature tables that there are, a line for each table.

    Raises:
        TableError: a table is unreadable.
    """
    problems = []
    for name in filter(lake.exists, TABLES):
        stored, declared = lake.stored_schema(name), lake.table(name).arrow
        lacking = [field.name for field in declared if field.name not in stored.names]
        other = [
            f"{field.name} is {stored.field(field.name).type}, not {field.type}"
            for field in declared
            if field.name in stored.names and stored.field(field.name).type != field.type
        ]
        found = [f"lacks the columns {', '.join(lacking[:5])}"] * bool(lacking) + other[:5]
        problems += [f"table {name} in {lake.uri}: {'; '.join(found)}"] * bool(found)
    return problems


def _learning(run: TrainingRun, coverage: Coverage) -> str:
    """Why the project is too young for a model of the range, and the day of its history; empty if it is not.

    Who runs all stages by hand is told by an error instead.
    """
    rows, needed = coverage.rows["joined"], run.parameters.min_rows
    too_early = len(coverage.before_logs) == len(coverage.windows)
    if run.alone or rows >= needed or not (too_early or is_young(run.lake, run.project)):
        return ""
    if too_early:
        return f"{run.config.windows} is before the first logs: the model so far stays"
    return (
        f"{day_of_project(run.lake, run.project)}: {run.config.windows} has {counted(rows, 'row')} to train on, and a "
        f"model needs {needed:,}"
    )


def _figures(run: TrainingRun, coverage: Coverage) -> Artifact:
    tables = {name: {"dates": len(run.lake.partitions(name))} for name in filter(run.lake.exists, TABLES)}
    return coverage.figures() | {"min_coverage": run.parameters.min_coverage, "tables": tables}


def _summary(coverage: Coverage) -> Artifact:
    figures = coverage.figures()
    names = ("expected_windows", "windows_with_features", "coverage", "rows")
    return {name: figures[name] for name in names} | {"missing": len(coverage.missing)}


def _refuse(
    run: TrainingRun, figures: Artifact, error: TableError | InputError | StageError, stage: str = "verify"
) -> None:
    """Writes the artifact that says no, and raises the error."""
    run.write(stage, False, "failed", figures, error.problem)
    raise error


def _duplicates(run: TrainingRun, coverage: Coverage) -> InputError:
    first, count = sorted(coverage.duplicates.items())[0]
    return InputError(
        f"{first} in {run.lake.uri} has {count:,} duplicate rows (same host and window), as have "
        f"{len(coverage.duplicates) - 1:,} other windows of {run.config.windows}",
        "Remediation cannot repair that: rebuild these windows",
    )


def _lacking(run: TrainingRun, coverage: Coverage, lacking: list[str], remediation: Artifact) -> StageError:
    reasons = sorted({coverage.missing[key] for key in lacking})
    failed = "; ".join(str(reason) for reason in remediation["failures"][:3])
    said = f"; the backfill said: {failed}" if failed else ""
    return StageError(
        f"{len(lacking):,} of {len(coverage.windows):,} windows of {run.config.windows} are still missing "
        f"({', '.join(reasons)}): {named(lacking)}{said}",
        "Build them with the 15-minute stages, or train on another range under another --run-id",
    )


def _sparse(run: TrainingRun, coverage: Coverage) -> StageError:
    return StageError(
        f"only {coverage.share:.1%} of the windows of {run.config.windows} have features, fewer than "
        f"{run.parameters.min_coverage:.1%}; the others are gaps: {named(coverage.missing)}",
        "Train on another range, or lower training.min_coverage in the project parameters",
    )
