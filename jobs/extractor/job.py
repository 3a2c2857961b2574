"""Finds the mini-batches of the requested windows, and writes the manifest."""

from __future__ import annotations

from common.config.orchestration import MOST_WINDOWS
from common.errors import ParameterError, WindowError
from common.runtime.context import new_report
from common.runtime.run_report import RunReport
from common.storage.files import Folder
from common.windows import Windows
from jobs.extractor.candidates import Candidates, by_window
from jobs.extractor.config import ExtractorConfig
from jobs.extractor.index import indexed, record
from jobs.extractor.listing import days_of, listed
from jobs.extractor.manifest import write_manifest


def run(config: ExtractorConfig) -> None:
    """Writes the manifest, records what only the listing found in the index, and prints the run report.

    Raises:
        WindowError: the request has too many windows, or they are in too many ranges.
        ParameterError: the request needs the index, but the project has none.
    """
    if len(config.wanted) > MOST_WINDOWS:
        raise WindowError(
            f"{config.windows} has {len(config.wanted):,} windows, but a backfill may have at most {MOST_WINDOWS:,}",
            "Split the range, or select windows with --windows-filter",
        )
    project = config.lake_project.settings
    report = new_report("ndr-extractor", config)
    candidates = _candidates(config, project.batch_index_table, report)
    batches, repeated = by_window(candidates.found, config.wanted)
    if project.batch_index_table is not None:
        with report.step("record"):
            members = [member for found in batches.values() for member in found]
            record(project.batch_index_table, config.project_name, (one for one in members if one in candidates.listed))
    with report.step("manifest"):
        manifest = write_manifest(config, batches, [*candidates.ignored, *repeated])
    report.rows_in = len(candidates.found)
    report.rows_out = sum(len(members) for members in batches.values())
    report.rows_rejected = manifest["ignored_count"]
    report.details["manifest"] = f"{config.manifest_uri}/manifest.json"
    report.details |= {name: manifest[name] for name in ("window_count", "range_count", "gap_count", "gaps", "ignored")}
    report.show()


def _candidates(config: ExtractorConfig, table: str | None, report: RunReport) -> Candidates:
    """The mini-batches of the index, plus those listed on days for which it lacks a wanted window of the folder."""
    candidates = Candidates()
    if config.source == "index" and table is None:
        raise ParameterError(
            f"project {config.project_name} has no batch_index_table",
            "Add it to the project parameters, or give --source listing",
        )
    if config.source != "listing" and table is not None:
        with report.step("index"):
            candidates.extend(indexed(table, config.project_name, config.windows))
        report.details["indexed"] = len(candidates.found)
    if config.source == "index":
        return candidates
    known = {candidate.path for candidate in candidates.found} | {path for path, _ in candidates.ignored}
    missing = {prefix: _without(config.wanted, candidates, prefix) for prefix in _prefixes(config)}
    for prefix, windows in missing.items():
        if windows:
            with report.step("listing"):
                folder = Folder(prefix)
                folder.require()
                found = listed(folder, days_of(windows))
            report.details["listed"] = report.details.get("listed", 0) + len(found.found)
            found.found = [candidate for candidate in found.found if candidate.path not in known]
            candidates.listed |= set(found.found)
            candidates.extend(found)
    return candidates


def _prefixes(config: ExtractorConfig) -> tuple[str, ...]:
    """The folders to list: those of all organisations of the project, if the given one is of them."""
    project = config.lake_project.settings.ingestion_prefixes
    return project if config.input_prefix in project else (config.input_prefix,)


def _without(wanted: tuple[Windows, ...], candidates: Candidates, prefix: str) -> list[Windows]:
    """The windows without a candidate below the prefix."""
    present = {candidate.window for candidate in candidates.found if candidate.path.startswith(f"{prefix}/")}
    return [window for window in wanted if window not in present]
