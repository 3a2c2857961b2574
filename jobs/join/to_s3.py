"""Publication in S3: one folder per window, replaced atomically for readers of its manifest."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from common.config.project import ProjectParameters
from common.errors import ParameterError
from common.storage.files import Folder
from common.windows import Windows
from jobs.join.parquet import parquet_bytes, without_zones
from jobs.join.triage import Triage

MANIFEST, SUCCESS = "manifest.json", "_SUCCESS"
IN_THE_PATH = ["date", "window"]
TRIAGE = "_triage"
"""The folder of triage below the prefix; engines that read folders of dates leave out names that begin so."""


def publication_prefix(project: ProjectParameters, project_name: str) -> str:
    """The s3:// URI of the project's publication folder.

    Raises:
        ParameterError: the project has none.
    """
    if project.publication is None:
        raise ParameterError(
            f"project {project_name} has no parameter group publication",
            "Add the group publication with s3_prefix to the project parameters, or choose another --destination",
        )
    return project.publication.s3_prefix


def publish_to_s3(prefix: str, rows: pa.Table, windows: Windows) -> dict[str, int]:
    """Publishes each window below `prefix/date=YYYY-MM-DD/window=KEY`; returns the number of rows by window key.

    The rows go to a file named by their content. The manifest, written next, makes that file current; `_SUCCESS`, with
    the manifest's digest, is written last. Files of the previous manifest are kept for their readers, older ones are
    removed. Windows without rows that were never published are left out.
    """
    published = {}
    for window in windows:
        folder = Folder(f"{prefix}/date={window.start:%Y-%m-%d}/window={window.key}")
        mine = rows.filter(pc.equal(rows["window"], window.key)).drop_columns(IN_THE_PATH)
        before = _entries(folder)
        if mine.num_rows or before is not None:
            _publish(folder, mine, before or [])
            published[window.key] = mine.num_rows
    return published


def publish_triage_to_s3(prefix: str, triage: Triage) -> None:
    """Publishes how the alerts of each date stand below `prefix/_triage/date=YYYY-MM-DD`, as `publish_to_s3` does."""
    for date in triage.dates:
        folder = Folder(f"{prefix}/{TRIAGE}/date={date}")
        mine = triage.rows.filter(pc.equal(triage.rows["date"], date)).drop_columns(["date"])
        before = _entries(folder)
        if mine.num_rows or before:
            _publish(folder, mine, before or [])


def _publish(folder: Folder, rows: pa.Table, before: list[str]) -> None:
    entries = []
    if rows.num_rows:
        content = parquet_bytes(without_zones(rows))
        digest = hashlib.sha256(content).hexdigest()
        name = f"part-{digest[:32]}.parquet"
        folder.write(name, content)
        meta = {"content_length": len(content), "record_count": rows.num_rows}
        entries.append({"url": f"{folder.uri}/{name}", "mandatory": True, "meta": meta, "sha256": digest})
    manifest = json.dumps({"entries": entries, "meta": {"record_count": rows.num_rows}}, indent=1).encode()
    folder.write(MANIFEST, manifest)
    folder.write(SUCCESS, f"{hashlib.sha256(manifest).hexdigest()}\n".encode())
    kept = {*before, *(entry["url"] for entry in entries)}
    for entry in folder.list():
        if entry.name.startswith("part-") and f"{folder.uri}/{entry.name}" not in kept:
            folder.delete(entry.name)


def _entries(folder: Folder) -> list[str] | None:
    """The files in the current manifest; None without one."""
    if not folder.exists(MANIFEST):
        return None
    try:
        manifest: dict[str, Any] = json.loads(folder.read(MANIFEST))
        return [str(entry["url"]) for entry in manifest["entries"]]
    except (ValueError, KeyError, TypeError):
        return []
