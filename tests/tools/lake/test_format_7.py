"""A lake of format 7, whose pairs had no words of logs, is migrated: what they said is not known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable

from common.errors import LakeFormatError
from common.lake.lake import Lake
from common.lake.lake_format import FILE, LAKE_FORMAT
from common.windows import Windows
from jobs.fg_a.job import run as run_fg_a
from tests.commands import call
from tests.common.lake.killing import Killed
from tests.conftest import Stages, write_sessions
from tests.factories import SPEC, session, sessions, threat
from tests.lakes import mark_lake
from tests.oracle.compare import assert_tables_equal
from tests.tools.lake.formats import OF_PAIRS, SEVERITY, WORDS, write_format_7
from tests.tools.lake.test_migration import migrate
from tools.lake import migration
from tools.lake.cli import main

OLD, LAST, NEW, NEXT = (Windows.parse(f"2026-03-{start}:08Z") for start in ("09T13", "10T13", "10T14", "11T13"))


def run(stages: Stages, window: Windows, *, features: bool = False) -> None:
    """Makes the slices of a session of HTTPS and its URL; with the features of the window, days before roll up."""
    url = threat(subtype="url", url="www.example.com/", end_ts=window.start)
    logs = write_sessions(sessions(session(end_ts=window.start), url), stages.folder.parent / f"{window.key}.parquet")
    stages.delta(str(window), logs)
    if features:
        stages.run_windows(run_fg_a, str(window))


@pytest.fixture
def lake(stages: Stages) -> Path:
    """Slices of a day, and their roll-up, as format 7 had them."""
    mark_lake(stages.folder, "acme", {})
    run(stages, OLD)
    run(stages, LAST, features=True)
    return write_format_7(stages.folder)


def rows(lake: Path, *, known: bool) -> dict[str, pa.Table]:
    """The rows of both tables; with `known` those alone whose words are known, and with the words."""
    found = {name: DeltaTable(lake / name).to_pyarrow_table() for name in OF_PAIRS}
    if known:
        return {name: table.filter(pc.is_valid(table["app"])).select(WORDS) for name, table in found.items()}
    said = [*WORDS, SEVERITY]
    return {
        name: table.drop_columns([column for column in said if column in table.column_names])
        for name, table in found.items()
    }


@pytest.mark.slow
def test_words_of_rows_from_before_are_not_known(lake: Path, stages: Stages) -> None:
    before, digests = rows(lake, known=False), stages.lake.digests("delta_pair", "date")
    assert all(map(len, before.values()))
    with pytest.raises(LakeFormatError, match="has format 7, but this release works with format 9"):
        Lake.opened(str(lake), SPEC)
    done = migrate(lake)
    assert [step["table"] for step in done["steps"]] == [*OF_PAIRS]
    assert json.loads((lake / FILE).read_text())["lake_format"] == LAKE_FORMAT
    for name, table in rows(lake, known=False).items():
        assert_tables_equal(table, before[name], Lake(str(lake), SPEC).table(name).key)
    assert not any(map(len, rows(lake, known=True).values()))
    assert stages.lake.digests("delta_pair", "date") == digests
    assert migrate(lake)["steps"] == []
    run(stages, NEW)
    run(stages, NEXT, features=True)
    said = {name: table.to_pylist() for name, table in rows(lake, known=True).items()}
    words = {"app": "ssl", "domain": "example.com"}
    assert said == {"delta_pair": [words] * 2, "pair_days": [words]}  # of the day of LAST and NEW


def test_a_migration_that_is_killed_is_repeated(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add, done = migration._add_columns, list[str]()

    def dies(name: str, *rest: Any) -> None:
        if done:
            raise Killed
        done.append(name)
        add(name, *rest)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(migration, "_add_columns", dies)
        call(main, "migrate", "--lake", lake)
    assert '"lake_format": 7' in (lake / FILE).read_text()
    assert [step["table"] for step in migrate(lake)["steps"]] == ["pair_days"]
