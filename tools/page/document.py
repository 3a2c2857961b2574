"""The page as one HTML file that asks nobody for anything."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Mapping
from typing import Any

from common.display import counted
from common.page.rendering import STYLES, UPLOT_SCRIPT, UPLOT_STYLE, cut, rendered
from common.windows import iso, parse_moment

SCRIPTS = tuple(
    f"{name}.js"
    for name in (
        "elements",
        "data",
        "figures",
        "days",
        "graph",
        "triage",
        "case",
        "host",
        "views",
        "health",
        "list",
        "page",
    )
)
"""They share their names, and none needs a later one before the last has loaded the data."""

REASONS_NAMED = 2
"""Of the reasons why records were rejected, the most frequent are named."""


def document(content: dict[str, Any], live: bool = False) -> str:
    """The page that shows the content; the same content gives the same text. A `live` one sends verdicts to its server.

    Scripts and styles are allowed by their digests alone, and nothing may be loaded. Texts are escaped where they are
    HTML; scripts make elements of texts only.
    """
    cases = content["cases"]
    packed = gzip.compress(json.dumps(content, sort_keys=True).encode(), mtime=0)
    return rendered(
        "tools.page",
        "page.html.j2",
        (UPLOT_SCRIPT, *SCRIPTS),
        (UPLOT_STYLE, *STYLES),
        about=content["about"],
        live=live,
        shown=[case for case in cases if not case["hidden_by"]],
        hidden=[case for case in cases if case["hidden_by"]],
        below_cnt=content["below_cnt"],
        met_cnt=content["met_cnt"],
        strangers_cnt=content["strangers_cnt"],
        chips=list(chips(content)),
        data=base64.b64encode(packed).decode(),
    )


def chips(content: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """What a reader should know before the cases, with how bad it is."""
    about, health, drift = content["about"], content["health"], content["drift"]
    windows, missing = len(about["starts"]), len(health["missing"])
    last = f", the last {iso(parse_moment(about['last_scored']))}" if about["last_scored"] else ""
    if late := health["minutes_late"].get("inference"):
        last += f", {late['last']:.0f} min after its end"
    scored = f"{windows - missing} of {counted(windows, 'window')} scored{last}"
    yield {"level": "bad" if missing == windows else "warn" if missing else "good", "words": scored}
    if about["learning"]:
        yield {"level": "warn", "words": about["learning"]}
    if unusual := about["unusual_cnt"]:
        yield {"level": "warn", "words": f"the whole network is unusual in {counted(unusual, 'window')}"}
    lacking = health["incomplete_cnt"]
    words = f"logs of {counted(lacking, 'window')} are incomplete" if lacking else "no logs known to be missing"
    yield {"level": "warn" if lacking else "good", "words": words}
    rejected = sum(entry["count"] for entry in health["rejects"])
    why = "; ".join(f"{cut(entry['reason'])} ({entry['count']:,})" for entry in health["rejects"][:REASONS_NAMED])
    words = f"{counted(rejected, 'record')} rejected{': ' if why else ''}{why}"
    yield {"level": "warn" if rejected else "good", "words": words}
    drifted = len(drift["drifted"])
    moved = f"input has drifted in {counted(drifted, 'window')}" if drifted else "no drift"
    yield {"level": "warn" if drifted else "good", "words": moved}
    if names := ", ".join(cut(entry["name"]) for entry in content["expired"]):
        yield {"level": "warn", "words": f"expired in the allow list: {names}"}
    trained = {model["run_id"]: model["training_window"] for model in content["models"]}
    named = [f"{run}, trained on {_range(trained[run])}" if trained[run] else run for run in about["models"]]
    yield {"level": "good", "words": f"model {'; '.join(named)}"}


def _range(windows: str) -> str:
    return windows.replace("/", " to ")
