import io
from pathlib import Path

import pytest
from PIL import Image

from docs.screenshots import COLOURS, FOLDER, HIGHEST, picture
from tests.browsing import Opened, chromium

pytestmark = pytest.mark.slow


def test_a_picture_has_few_colours_and_the_top_of_a_long_page(tmp_path: Path) -> None:
    (tmp_path / "long.html").write_text("<body style='height: 3000px; background: linear-gradient(red, blue)'>")
    with chromium() as browser:
        opened = Opened(browser, tmp_path / "long.html", viewport={"width": 400, "height": 300})
        found = Image.open(io.BytesIO(picture(opened.page)))
        opened.close()
    assert (found.format, found.mode, found.size) == ("PNG", "P", (400, HIGHEST))
    assert len(found.getcolors() or []) <= COLOURS


def test_every_picture_is_small_and_shown() -> None:
    text = (FOLDER.parent / "analyst.md").read_text(encoding="utf-8")
    pictures = sorted(FOLDER.glob("*.png"))
    assert pictures
    assert [path.name for path in pictures if f"(analyst/{path.name})" not in text] == []
    assert [path.name for path in pictures if path.stat().st_size > 100_000] == []
