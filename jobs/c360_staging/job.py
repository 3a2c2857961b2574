"""Reads the partitions of the clean zone, builds the tables of a snapshot, and publishes them."""

from __future__ import annotations

from common.c360.manifest import SnapshotManifest
from common.runtime.run_report import RunReport
from common.storage.failures import require_writable
from common.storage.files import Folder
from jobs.c360_staging.building import built
from jobs.c360_staging.config import StagingConfig
from jobs.c360_staging.inputs import read_inputs
from jobs.c360_staging.publication import accept, publish, published

STAGE = "c360-staging"


def run(config: StagingConfig) -> None:
    """Publishes the snapshot as of a day, unless it is the published one, and prints the run report.

    Raises:
        InputError: the clean zone has no files until that day.
        ShrinkError: there are far fewer customers or plans than before; nothing is published.
        CommitError: another run has published a snapshot meanwhile.
    """
    report = RunReport(STAGE, engine=config.engine)
    staging = Folder(config.staging_uri)
    require_writable(config.staging_uri)
    before = published(staging)
    with report.step("inputs"):
        inputs = read_inputs(Folder(config.clean_uri), config.as_of)
    report.rows_in = sum(inputs.rows(dataset) for dataset in inputs.partitions)
    if before.manifest and before.manifest.run_id == inputs.run_id and not config.force:
        accept(staging, before.manifest)
        _show(report, before.manifest, "unchanged")
        return
    manifest = built(config, inputs, report)
    with report.step("publish"):
        publish(staging, manifest, before)
    _show(report, manifest, "published")


def _show(report: RunReport, manifest: SnapshotManifest, outcome: str) -> None:
    report.rows_out = sum(table.rows for table in manifest.tables.values())
    report.details |= {
        "outcome": outcome,
        "run": manifest.run_id,
        "as_of": str(manifest.as_of),
        "rows": {name: table.rows for name, table in manifest.tables.items()},
        "counts": dict(manifest.counts),
    }
    report.show()
