"""Configuration of ndr-feedback."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FeedbackConfig:
    """A case with what to make of it, a case whose history to list, or neither, to list how all cases stand.

    Or an allow list to put in place, a path or an s3:// URI.

    The statuses `false` and `expected` hide later cases, too, for `days` and as far as the `scope` reaches; with
    `preview` nothing is written. `min_score` is that of the report that listed the case. `form` is that of the rows.
    """

    lake_uri: str
    case: str | None
    allow_list: str | None
    status: str | None
    note: str
    owner: str | None
    by: str
    days: float
    scope: str
    preview: bool
    min_score: float
    feature_spec_version: str | None
    form: str
