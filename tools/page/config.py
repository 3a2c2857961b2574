"""Configuration of ndr-page."""

from __future__ import annotations

from dataclasses import dataclass

from common.windows import Windows


@dataclass(frozen=True)
class PageConfig:
    """Which windows the page is about (None: the last day that is scored), how much it shows, and where it goes.

    `out` is a file or an object of S3; a folder, with a slash at its end, gets `latest.html` and a page for each day.

    With `port`, it is served to this machine, to an analyst whose name is `by`, and takes verdicts.

    `sessions` are shown of each case, at most; `top` cases are shown whole. `budget` is how many cases a day the team
    can look at.
    """

    lake_uri: str
    windows: Windows | None
    out: str | None
    port: int | None
    by: str
    top: int
    sessions: int
    budget: int
    min_score: float
    feature_spec_version: str | None
    parameters_path: str | None
    project_name: str | None = None
