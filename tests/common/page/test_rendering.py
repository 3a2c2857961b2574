import re
from typing import Any

import pytest
from jinja2 import UndefinedError

from common.page import rendering
from common.page.rendering import UPLOT_SCRIPT, rendered

VALUES: dict[str, Any] = {
    "run_id": "<script>alert(1)</script>",
    "request": {"project_name": '"><img src=x>', "training_window": "w"},
    "decision": {"level": "good", "title": "t", "words": "w"},
    "gates": [], "compared": [], "compared_with": None, "members": [], "habits": [], "facts": {}, "charts": [],
}  # fmt: skip


def test_a_page_without_scripts_allows_none() -> None:
    text = rendered("jobs.if_training", "report.html.j2", **VALUES)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy.startswith("default-src 'none'; script-src 'none'; style-src 'sha256-")
    assert "<script" not in text and "<img" not in text and "&lt;script&gt;" in text
    assert 'name="viewport"' in text


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="run_id"):
        rendered("jobs.if_training", "report.html.j2", **{name: VALUES[name] for name in VALUES if name != "run_id"})


def test_an_altered_library_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rendering.SHA256, UPLOT_SCRIPT, "0" * 64)
    with pytest.raises(RuntimeError, match="is not the file of uPlot"):
        rendered("jobs.if_training", "report.html.j2", (UPLOT_SCRIPT,), **VALUES)
