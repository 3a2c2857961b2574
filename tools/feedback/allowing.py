"""Previews an allow list, or puts it in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from common.detection.alerts.allow_list import TABLE, AllowEntry, expired, parse_allow_list
from common.detection.alerts.cases import Case, recent_cases
from common.detection.alerts.triage import read_changes, triaged
from common.display import counted
from common.features.spec import load_spec
from common.lake.lake import Lake
from common.lake.lake_format import known_record
from common.lake.put_texts import put_text
from common.runtime.lake_project import lake_identity
from common.runtime.output import activity, message
from common.runtime.rows import print_rows
from common.storage.files import Folder
from common.storage.filesystems import normal_uri
from tools.feedback.config import FeedbackConfig

COLUMNS = ("name", "owner", "expires", "is_expired", "hides_cnt", "hides", "reason")


def allow(config: FeedbackConfig) -> None:
    """Prints what each entry hides of the last 30 days; without `preview`, puts the list in place before."""
    assert config.allow_list
    identity = lake_identity(config.lake_uri, feature_spec_version=config.feature_spec_version)
    lake = Lake.opened(config.lake_uri, load_spec(identity.feature_spec_version))
    known_record(lake)
    folder, _, name = normal_uri(config.allow_list).rpartition("/")
    content = Folder(folder).read(name)
    entries = parse_allow_list(content, config.allow_list).entries
    now = datetime.now(UTC)
    if not config.preview:
        is_new = put_text(lake, TABLE, "allow list", content.decode("utf-8"), config.by, now)
        said = "is in place now" if is_new else "was in place already"
        message(f"the allow list with {counted(len(entries), 'rule')} {said}", "info")
    with activity("finding cases"):
        cases = recent_cases(lake, lake.spec, config.min_score)
        shown, _ = triaged(cases, read_changes(lake), ())
    late = expired(entries, now)
    for entry in late:
        message(f"entry {entry.name} of {entry.owner} has expired on {entry.expires}", "warning")
    print_rows((_row(entry, shown, entry in late) for entry in entries), config.form, COLUMNS)


def _row(entry: AllowEntry, cases: Sequence[Case], is_expired: bool) -> Mapping[str, Any]:
    """An entry with the cases that it hides by itself."""
    hides = [case.case_id for case in cases if entry.hides(case)]
    values = {name: getattr(entry, name) for name in ("name", "owner", "expires", "reason")}
    return values | {"is_expired": is_expired, "hides_cnt": len(hides), "hides": hides}
