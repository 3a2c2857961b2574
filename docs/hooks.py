"""What the documentation site takes from outside docs/: pages of the repository's root, and links to its files."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
ROOT_PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "CODE_OF_CONDUCT.md": "conduct.md",
}
"""Pages of the repository's root, and where they are on the site."""

WIDE = "machines/"
"""Folder of the pages whose diagrams need the width of the table of contents."""

LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages of the root."""
    for name, place in ROOT_PAGES.items():
        if (ROOT / name).exists():
            files.append(File.generated(config, place, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """The page with links that hold on the site.

    A link to a file of the repository that is not a page becomes its name, since the site does not hold the sources.

    Raises:
        PluginError: a link leads to no file of the repository.
    """
    place = page.file.src_uri
    if place.startswith(WIDE):
        page.meta["hide"] = ["toc"]
    source = next((name for name, target in ROOT_PAGES.items() if target == place), f"docs/{place}")
    lines, fenced = [], False
    for line in markdown.split("\n"):
        fenced ^= line.startswith("```")
        lines.append(line if fenced else LINK.sub(lambda match: _link(match, source, place), line))
    return "\n".join(lines)


def _link(match: re.Match[str], source: str, place: str) -> str:
    picture, text, target, anchor = match.groups()
    if "://" in target or target.startswith("mailto:"):
        return match[0]
    wanted = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    if not (ROOT / wanted).exists():
        raise PluginError(f"{source} links to {target}, which does not exist")
    if wanted in ROOT_PAGES:
        inside = ROOT_PAGES[wanted]
    elif wanted.startswith("docs/") and (ROOT / wanted).is_file():
        inside = wanted.removeprefix("docs/")
    else:
        return f"`{wanted}`" if text.strip("`") == target else f"{text} (`{wanted}`)"
    return f"{picture}[{text}]({posixpath.relpath(inside, posixpath.dirname(place) or '.')}{anchor or ''})"
