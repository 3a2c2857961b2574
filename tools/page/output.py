"""Where a page goes: a file, an object of S3, or a folder that keeps the page of each day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from common.aws.objects import put_page
from common.storage.drafts import draft
from common.windows import Windows

LATEST = "latest.html"


def write(out: str, text: str, windows: Windows) -> list[str]:
    """Writes the page, each copy in one piece, and returns the places; a folder (`.../`) gets the latest one last.

    Raises:
        AwsError: S3 refused it.
        OSError: the disk did.
    """
    places = list(_places(out, windows))
    for place in places:
        if place.startswith("s3://"):
            put_page(place, text)
            continue
        path = Path(place)
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft(path) as new:
            new.write_text(text, encoding="utf-8")
    return places


def _places(out: str, windows: Windows) -> Iterator[str]:
    if not out.endswith("/"):
        yield out
        return
    yield f"{out}{windows.end - timedelta(microseconds=1):%Y-%m-%d}.html"
    yield f"{out}{LATEST}"
