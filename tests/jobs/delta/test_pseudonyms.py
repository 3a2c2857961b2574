"""With pseudonyms, no name enters the lake, and nothing else of any table changes."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from common.config.project import ProjectParameters
from common.config.pseudonyms import PseudonymParameters
from common.errors import PseudonymKeyError
from common.privacy.keys import add_key, pseudonyms_of
from common.privacy.places import MASKED, PLACES
from tests.common.logs.panos_logs import traffic
from tests.conftest import Stages, write_sessions
from tests.factories import session as record
from tests.factories import sessions, threat
from tests.privacy import held_in

WINDOW = "2026-03-10T13:08Z"
ENDED = {"end_ts": "2026-03-10T13:15:00"}
NAMES = ("alice", "bob", "carol", "dave", "erwin")
WRITTEN = ("delta_host", "delta_pair", "sessions", "open_sessions", "sessions_rejected", "session_keys", "log_volume")


@pytest.fixture
def settings(tmp_path: Path) -> PseudonymParameters:
    path = tmp_path / "acme.keys"
    return PseudonymParameters(keys=str(path), fingerprint=add_key(path))


def logs(folder: Path) -> list[str]:
    """Two files: sessions of Alice, Bob and nobody, one that is open, one that is late, and lines that are none."""
    rows = [
        record(src_user=r"acme\alice", **ENDED) | {"dst_user": "bob@acme"},
        record(src_user=r"ACME\Alice", **ENDED),
        threat(src_user=r"acme\bob", **ENDED),
        record(src_user=r"acme\carol", subtype="start", **ENDED),
        record(src_user=r"acme\dave", end_ts="2026-03-09T13:15:00"),
        record(**ENDED),
    ]
    lines = [traffic(46, {12: r"acme\erwin", 30: "no port"}), r"nothing of acme\erwin"]
    (folder / "logs.csv").write_text("\n".join(lines * 2))
    return [write_sessions(sessions(*rows), folder / "logs.parquet"), str(folder / "logs.csv")]


def test_no_name_enters_the_lake_and_nothing_else_changes(
    session: SparkSession, tmp_path: Path, settings: PseudonymParameters
) -> None:
    inputs, made = logs(tmp_path), pseudonyms_of(settings)
    lakes = {}
    for name, asked in (("plain", None), ("masked", settings)):
        project = ProjectParameters(pseudonyms=asked, max_rejected_ratio=1)
        lakes[name] = Stages(session, tmp_path / name, project)
        lakes[name].delta(WINDOW, *inputs)
    plain, masked = (lakes[name].lake for name in ("plain", "masked"))
    assert all(held_in(tmp_path / "plain", name) for name in NAMES)
    assert [file for name in NAMES for file in held_in(tmp_path / "masked", name)] == []
    for table in WRITTEN:
        order = [(name, "ascending") for name in plain.table(table).key if name != "raw"]
        one, other = (lake.arrow(table).sort_by(order) for lake in (plain, masked))
        hidden = [name for name, kind in PLACES.get(table, {}).items() if kind in MASKED]
        assert len(one) and one.drop_columns(hidden) == other.drop_columns(hidden), table
        for name in hidden:
            kind = PLACES[table][name]
            assert other[name].to_pylist() == [text and made.of(kind, text) for text in one[name].to_pylist()]


def test_canonical_files_give_the_same_rows_with_pseudonyms(
    session: SparkSession, tmp_path: Path, settings: PseudonymParameters
) -> None:
    rows = sessions(*(record(src_user=f"u{number % 3}", **ENDED) for number in range(9)))
    file = write_sessions(rows, tmp_path / "f.parquet")
    found: list[pa.Table] = []
    for name, asked in (("plain", None), ("masked", settings)):
        stages = Stages(session, tmp_path / name, ProjectParameters(pseudonyms=asked))
        stages.delta(WINDOW, file)
        found.append(stages.lake.arrow("sessions").sort_by([("source_line", "ascending")]))
    made = pseudonyms_of(settings)
    assert found[1]["src_user"].to_pylist() == [made.of("user", name) for name in found[0]["src_user"].to_pylist()]
    assert found[1].drop_columns("src_user") == found[0].drop_columns("src_user")


def test_a_wrong_key_stops_a_run_before_anything_is_written(
    session: SparkSession, tmp_path: Path, settings: PseudonymParameters
) -> None:
    Path(settings.keys).unlink()
    add_key(Path(settings.keys))
    stages = Stages(session, tmp_path / "lake", ProjectParameters(pseudonyms=settings))
    with pytest.raises(PseudonymKeyError, match="is another one than the settings use"):
        stages.delta(WINDOW, *logs(tmp_path))
    assert not stages.lake.exists("sessions") and not held_in(tmp_path / "lake", "alice")


def test_the_scan_for_names_sees_compressed_files(tmp_path: Path) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": [r"acme\alice"] * 50}), sink, compression="zstd")
    (tmp_path / "x.parquet").write_bytes(sink.getvalue())
    assert held_in(tmp_path, "alice") and not held_in(tmp_path, "bob")
