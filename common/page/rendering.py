"""A page of a template: scripts and styles inside it, and nothing else allowed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

FOLDER = "static"
STYLES = ("page.css",)
UPLOT_SCRIPT, UPLOT_STYLE = "uPlot.iife.min.js", "uPlot.min.css"
LONGEST = 240
SHA256 = {
    UPLOT_SCRIPT: "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    UPLOT_STYLE: "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}
"""Of the files of uPlot 1.6.32, as npm has them."""


def rendered(
    package: str, template: str, scripts: Sequence[str] = (), styles: Sequence[str] = STYLES, **values: Any
) -> str:
    """The page that a template of the package's folder `static` makes of the values; the same values, the same text.

    It extends `base.html.j2`. Scripts and styles, files of that folder or of this package's, are allowed by their
    digests alone, and nothing may be loaded. Texts are escaped where they are HTML.
    """
    loader = ChoiceLoader([PackageLoader(package, FOLDER), PackageLoader(__package__, FOLDER)])
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, loader=loader)
    environment.filters["cut"] = cut
    script_texts, style_texts = ([_static(package, name) for name in names] for names in (scripts, styles))
    return environment.get_template(template).render(
        **values,
        scripts=[Markup(text) for text in script_texts],
        styles=[Markup(text) for text in style_texts],
        scripts_csp=[_digest(text) for text in script_texts],
        styles_csp=[_digest(text) for text in style_texts],
    )


def cut(text: str) -> str:
    """The text, cut if it is too long for a row."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _static(package: str, name: str) -> str:
    """The text of a file of the package, or else of this one."""
    folders = (resources.files(holder).joinpath(FOLDER, name) for holder in (package, __package__))
    text = next(path for path in folders if path.is_file()).read_text(encoding="utf-8")
    wanted = SHA256.get(name)
    if wanted and hashlib.sha256(text.encode()).hexdigest() != wanted:
        raise RuntimeError(f"{FOLDER}/{name} is not the file of uPlot that it was")
    return text


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
