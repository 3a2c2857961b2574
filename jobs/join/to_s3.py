"""Publication in S3: a folder per window, replaced at once for readers who go by its manifest."""

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

MANIFEST, SUCCESS = "manifest.json", "_SUCCESS"
IN_THE_PATH = ["date", "window"]


def publication_prefix(project: ProjectParameters, project_name: str) -> str:
    """The s3:// URI below which the project publishes.

    Raises:
        ParameterError: it has none.
    """
    if project.publication is None:
        raise ParameterError(
            f"project {project_name} has no parameters publication",
            "Add the group publication with s3_prefix to the project parameters, or choose another --destination",
        )
    return project.publication.s3_prefix


def publish_to_s3(prefix: str, rows: pa.Table, windows: Windows) -> dict[str, int]:
    """The number of rows published of each window, below `prefix/date=YYYY-MM-DD/window=KEY`.

    Rows lie in a file named after their content; the manifest, written next, names it and so makes it the window's;
    `_SUCCESS`, with the digest of the manifest, comes last. Files of the manifest before are kept for those who still
    read them, older ones removed. Windows that have no rows and were never published are left out.
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
    """The files of the manifest that is there; None without one."""
    if not folder.exists(MANIFEST):
        return None
    try:
        manifest: dict[str, Any] = json.loads(folder.read(MANIFEST))
        return [str(entry["url"]) for entry in manifest["entries"]]
    except (ValueError, KeyError, TypeError):
        return []
