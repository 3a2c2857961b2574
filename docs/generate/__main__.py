"""Writes the pages that follow from the code; with --check, fails where the committed ones are not current."""

from __future__ import annotations

import sys
from pathlib import Path

from common.config.project import ProjectParameters
from common.config.project_file import ProjectFile
from common.config.schema import schema_text
from common.features.spec import load_spec
from docs.generate import commands, settings, tables
from tools.features.catalogue import markdown

FOLDER = Path(__file__).parents[1]
PAGES = {
    "features.md": lambda: markdown(load_spec("v1")),
    "reference/commands.md": commands.render,
    "reference/parameters.schema.json": lambda: schema_text(ProjectParameters),
    "reference/project.schema.json": lambda: schema_text(ProjectFile),
    "reference/settings.md": settings.render,
    "reference/tables.md": tables.render,
}


def stale() -> dict[str, str]:
    """The text of each page that `docs/` does not hold as it should be."""
    made = {name: render() for name, render in PAGES.items()}
    return {name: text for name, text in made.items() if not _holds(FOLDER / name, text)}


def _holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    pages = stale()
    if "--check" in sys.argv:
        sys.exit(f"error: {', '.join(pages)} in docs/ is not current: run make docs-reference" if pages else 0)
    for page, text in pages.items():
        (FOLDER / page).write_text(text, encoding="utf-8")
