"""Takes the inventory from a file or from Redshift by way of S3, and replaces the month's snapshot in the lake."""

from __future__ import annotations

import json
import uuid

import pyarrow as pa

from common.aws.redshift import run_statements
from common.config.project import staging_location
from common.config.redshift import RedshiftParameters
from common.contracts.baselines import CRITICALITIES
from common.errors import RejectedRatioError, one_line
from common.privacy.masking import mask_of
from common.runtime.context import StageRun
from common.storage.files import Folder
from jobs.inventory_unload.config import InventoryConfig
from jobs.inventory_unload.snapshot import SHOWN, Snapshot, read_file, read_snapshot
from jobs.inventory_unload.statement import unload_statement

TABLE = "machine_inventory"
SNAPSHOTS = "machine_inventory_snapshots"


def run(config: InventoryConfig, stage: StageRun) -> None:
    """Replaces the month in `machine_inventory` in one commit; a project without an inventory keeps what there is.

    Raises:
        ParameterError: the project has a Redshift connection, but no staging location in S3.
    """
    if file := stage.project.machine_inventory:
        with stage.report.step("read"):
            snapshot = read_file(file, config.month)
            _account(snapshot, stage)
        _replace(config, stage, snapshot)
        stage.report.details["snapshot"] = file
    elif stage.project.redshift is not None:
        _unload(config, stage, stage.project.redshift)
    else:
        stage.report.details["machine_inventory"] = (
            "the project has none, so machine names are null: name a file with machine_inventory, or add redshift"
        )


def _unload(config: InventoryConfig, stage: StageRun, redshift: RedshiftParameters) -> None:
    """Unloads the inventory to S3, checks its files, replaces the month, then the pointer to the files."""
    month = f"month={config.month}"
    base = staging_location(stage.project, config.project_name, stage.lake.uri, SNAPSHOTS)
    run_id = uuid.uuid4().hex
    folder = Folder(f"{base}/{month}/run={run_id}")
    with stage.report.step("unload"):
        run_statements(redshift, [unload_statement(redshift, config.month, folder.uri)], token=run_id)
    with stage.report.step("verify"):
        snapshot = read_snapshot(folder, config.month)
        _account(snapshot, stage)
        folder.write("_SUCCESS", f"{snapshot.manifest_sha256}\n".encode())
    _replace(config, stage, snapshot)
    pointer = {"run": run_id, "records": len(snapshot.rows), "manifest_sha256": snapshot.manifest_sha256}
    Folder(f"{base}/{month}").write("current.json", (json.dumps(pointer) + "\n").encode())
    stage.report.details["snapshot"] = folder.uri


def _replace(config: InventoryConfig, stage: StageRun, snapshot: Snapshot) -> None:
    with stage.report.step(TABLE):
        rows = pa.Table.from_pylist(snapshot.rows, schema=stage.lake.table(TABLE).arrow)
        rows = mask_of(stage.project).rows(TABLE, rows)
        frame = stage.session.createDataFrame(rows)
        version, count = stage.lake.replace(TABLE, frame, {"snapshot_month": config.month})
    stage.report.rows_out = count
    stage.report.wrote(TABLE, version, count)


def _account(snapshot: Snapshot, stage: StageRun) -> None:
    """Adds rows and rejects to the run report.

    Raises:
        RejectedRatioError: too many machines have no name or no valid address.
    """
    report, rejected = stage.report, snapshot.rejected
    if words := snapshot.criticalities:
        said = f"{', '.join(map(repr, words[:SHOWN]))}: none of {', '.join(CRITICALITIES)}, so null"
        report.details["criticality"] = one_line(said)
    report.rows_in, report.rows_rejected = len(snapshot.rows) + len(rejected), len(rejected)
    if not rejected:
        return
    report.details["rejected"] = rejected[:SHOWN]
    if len(rejected) > stage.project.max_rejected_ratio * report.rows_in:
        raise RejectedRatioError(
            f"{len(rejected):,} of {report.rows_in:,} machines have no name or no valid address, more than "
            f"max_rejected_ratio {stage.project.max_rejected_ratio:g}; the first: {rejected[0]}",
            "Correct the inventory, or raise max_rejected_ratio",
        )
