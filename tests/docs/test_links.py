"""Links between files of the repository lead somewhere; `make docs` builds the site from them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.checkout import ROOT

WITH_LINKS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    + [path for folder in ("jobs", "tools") for path in (ROOT / folder).glob("*/README.md")]
)
FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")


@pytest.mark.parametrize("page", WITH_LINKS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    links = LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8")))
    assert not [link for link in links if not (page.parent / link).exists()]


def test_links_are_found() -> None:
    assert LINK.findall("[a](b.md#c), [d](e/f.md), [g](https://h.example/i.md), [j](#k)") == ["b.md", "e/f.md"]
