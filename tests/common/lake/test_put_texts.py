from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from common.errors import InputError
from common.lake.lake import Lake
from common.lake.put_texts import put_text, require_small, text_in_place
from tests.factories import SPEC

TABLE = "allow_lists"
NOW = datetime(2026, 3, 20, 9, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path), SPEC)


def put(lake: Lake, text: str, by: str, now: datetime = NOW) -> bool:
    return put_text(Lake(lake.uri, SPEC), TABLE, "allow list", text, by, now)


def test_the_last_text_that_was_put_in_place_holds(lake: Lake) -> None:
    assert text_in_place(lake, TABLE) is None
    assert put(lake, "a", "ann")
    assert not put(lake, "a", "bob")
    assert put(lake, "b", "bob", datetime(2026, 4, 1, tzinfo=UTC))
    held = text_in_place(lake, TABLE)
    assert held and (held.put_by, held.text) == ("bob", "b")
    assert {*lake.arrow(TABLE)["text"].to_pylist()} == {"a", "b"}


def test_nobody_replaces_a_text_that_he_has_not_seen(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    put(lake, "a", "ann")
    rewrite = Lake.rewrite

    def late(self: Lake, *given: Any) -> int:
        with monkeypatch.context() as patch:
            patch.setattr(Lake, "rewrite", rewrite)
            put(lake, "b", "bob", NOW.replace(hour=10))
        return rewrite(self, *given)

    monkeypatch.setattr(Lake, "rewrite", late)
    with pytest.raises(InputError, match="bob has put another allow list in place at 2026-03-20T10:00Z"):
        put(lake, "c", "carl", NOW.replace(hour=11))
    held = text_in_place(lake, TABLE)
    assert held and held.text == "b"


def test_a_file_that_nobody_can_have_reviewed_is_refused() -> None:
    require_small(b"#" * 1_000_000, "allow.yaml", "An allow list")
    with pytest.raises(InputError, match=r"allow.yaml has 1,000,001 bytes. An allow list has 1,000,000 at most"):
        require_small(b"#" * 1_000_001, "allow.yaml", "An allow list")
