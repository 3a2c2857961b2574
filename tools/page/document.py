"""The page as one HTML file that asks nobody for anything."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from common.display import counted

SCRIPTS = ("uPlot.iife.min.js", "page.js")
STYLES = ("uPlot.min.css", "page.css")
LONGEST = 160
SHA256 = {
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}
"""Of the files of uPlot 1.6.32, as npm has them."""


def document(content: dict[str, Any], live: bool = False) -> str:
    """The page that shows the content; the same content gives the same text. A `live` one sends verdicts to its server.

    Scripts and styles are allowed by their digests alone, and nothing may be loaded. Texts are escaped where they are
    HTML; scripts make elements of texts only.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["cut"] = cut
    scripts, styles = ([_static(name) for name in names] for names in (SCRIPTS, STYLES))
    cases = content["cases"]
    packed = gzip.compress(json.dumps(content, sort_keys=True).encode(), mtime=0)
    page = environment.from_string(_static("page.html.j2"))
    return page.render(
        about=content["about"],
        live=live,
        shown=[case for case in cases if not case["hidden_by"]],
        hidden=[case for case in cases if case["hidden_by"]],
        met_cnt=content["met_cnt"],
        strangers_cnt=content["strangers_cnt"],
        chips=list(chips(content)),
        data=base64.b64encode(packed).decode(),
        scripts=[Markup(script) for script in scripts],
        styles=[Markup(style) for style in styles],
        scripts_csp=[_digest(script) for script in scripts],
        styles_csp=[_digest(style) for style in styles],
    )


def chips(content: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """What a reader should know before the cases, with how bad it is."""
    about, health, drift = content["about"], content["health"], content["drift"]
    windows, missing = len(about["starts"]), len(health["missing"])
    scored = f"{windows - missing} of {counted(windows, 'window')} scored"
    yield {"level": "bad" if missing == windows else "warn" if missing else "good", "words": scored}
    lacking = health["incomplete_cnt"]
    words = f"logs of {counted(lacking, 'window')} are incomplete" if lacking else "no logs known to be missing"
    yield {"level": "warn" if lacking else "good", "words": words}
    rejected = sum(entry["count"] for entry in health["rejects"])
    yield {"level": "warn" if rejected else "good", "words": f"{counted(rejected, 'record')} rejected"}
    drifted = len(drift["drifted"])
    moved = f"input has drifted in {counted(drifted, 'window')}" if drifted else "no drift"
    yield {"level": "warn" if drifted else "good", "words": moved}
    if names := ", ".join(cut(entry["name"]) for entry in content["expired"]):
        yield {"level": "warn", "words": f"expired in the allow list: {names}"}
    yield {"level": "good", "words": f"model {', '.join(about['models'])}"}


def cut(text: str) -> str:
    """The text, cut if it is too long for a row."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _static(name: str) -> str:
    text = resources.files("tools.page").joinpath("static", name).read_text(encoding="utf-8")
    wanted = SHA256.get(name)
    if wanted and hashlib.sha256(text.encode()).hexdigest() != wanted:
        raise RuntimeError(f"tools/page/static/{name} is not the file of uPlot that it was")
    return text


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
