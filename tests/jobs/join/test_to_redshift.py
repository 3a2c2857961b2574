"""Joined predictions in Redshift: what is there after each publication, whatever happened in between."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from common.aws.redshift import run_statements
from common.config.redshift import RedshiftParameters
from common.errors import RedshiftError
from common.retries import Retries
from common.storage.files import Folder
from jobs.join import to_redshift
from jobs.join.to_redshift import publication_statements, publish_to_redshift
from localaws.cli.process import LocalAws
from tests.jobs.join.published import FIRST, SECOND, TABLE, joined
from tests.redshift import Query

pytestmark = pytest.mark.slow

BUCKET = "join-staging"


@pytest.fixture
def staging(aws_environment: LocalAws, redshift: RedshiftParameters) -> str:
    aws_environment.client("s3").create_bucket(Bucket=BUCKET)
    return f"s3://{BUCKET}/{redshift.schema_name}"


@pytest.fixture
def published(redshift: RedshiftParameters, query: Query) -> Any:
    """A function that tells window, host and score of all that is published."""
    table = f"{redshift.schema_name}.prediction_join"
    return lambda: query(f'SELECT "window", host_ip, anomaly_score FROM {table} ORDER BY "window", host_ip')


def test_rows_arrive_with_all_their_columns(redshift: RedshiftParameters, staging: str, query: Query) -> None:
    reasons = json.dumps([{"feature": "it's", "value": 1.5}])
    rows = joined(0.25, top_features=reasons, pair_rarity_max=None)
    assert publish_to_redshift(redshift, staging, rows, TABLE) == 1
    names = ", ".join(f'"{name}"' for name in TABLE.column_names)
    (found,) = query(f"SELECT {names} FROM {redshift.schema_name}.prediction_join")
    row = dict(zip(TABLE.column_names, found, strict=True))
    assert row["top_features"] == reasons
    assert (row["anomaly_score"], row["pair_rarity_max"]) == (0.25, None)
    assert str(row["window_start_ts"]).startswith("2026-03-10 23:38:00")
    assert (row["date"], row["window"]) == ("2026-03-10", FIRST.key)
    (declared,) = rows.select(["sessions_cnt_w_15m"]).to_pylist()
    assert row["sessions_cnt_w_15m"] == declared["sessions_cnt_w_15m"]


def test_a_window_holds_exactly_what_was_published_last(
    redshift: RedshiftParameters, staging: str, published: Any
) -> None:
    both = pa.concat_tables([joined(0.1, 0.2, 0.3), joined(0.4, window=SECOND)])
    publish_to_redshift(redshift, staging, both, TABLE)
    publish_to_redshift(redshift, staging, both, TABLE)
    assert len(published()) == 4
    publish_to_redshift(redshift, staging, joined(0.7, 0.8, model_id="newer"), TABLE)
    assert published() == [
        [FIRST.key, "10.0.0.0", 0.7],
        [FIRST.key, "10.0.0.1", 0.8],
        [SECOND.key, "10.0.0.0", 0.4],
    ]


def test_other_projects_keep_their_rows(redshift: RedshiftParameters, staging: str, published: Any) -> None:
    publish_to_redshift(redshift, staging, joined(0.1, project_name="other"), TABLE)
    publish_to_redshift(redshift, staging, joined(0.2, feature_spec_version="v0"), TABLE)
    publish_to_redshift(redshift, staging, joined(0.3), TABLE)
    publish_to_redshift(redshift, staging, joined(0.4), TABLE)
    assert sorted(score for _, _, score in published()) == [0.1, 0.2, 0.4]


def test_a_publication_that_fails_leaves_the_one_before(
    redshift: RedshiftParameters, staging: str, published: Any
) -> None:
    publish_to_redshift(redshift, staging, joined(0.1), TABLE)
    manifest = Folder(f"{staging}/run=cut")
    manifest.write("manifest", b'{"entries": [{"url": "s3://join-staging/gone", "mandatory": true}]}')
    with pytest.raises(RedshiftError, match=r"COPY .*Mandatory url"):
        run_statements(redshift, publication_statements(redshift, TABLE, f"{manifest.uri}/manifest", "cut"))
    statements = publication_statements(redshift, TABLE, f"{manifest.uri}/manifest", "cut")
    without_copy = [text for text in statements if not text.startswith("COPY")]
    with pytest.raises(RedshiftError, match="no_such_table"):
        run_statements(
            redshift, [*without_copy, f"DELETE FROM {redshift.schema_name}.prediction_join", "DROP TABLE no_such_table"]
        )
    assert published() == [[FIRST.key, "10.0.0.0", 0.1]]


def test_a_conflicting_transaction_is_retried(
    redshift: RedshiftParameters, staging: str, published: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The local Redshift runs one transaction at a time, so the conflict is made up; the repetition is not."""
    tokens: list[str] = []

    def conflicts_twice(place: RedshiftParameters, statements: list[str], token: str) -> None:
        tokens.append(token)
        if len(tokens) < 3:
            raise RedshiftError("INSERT failed: ERROR: 1023 Serializable isolation violation on table - 7", "Again")
        run_statements(place, statements, token)

    monkeypatch.setattr(to_redshift, "run_statements", conflicts_twice)
    monkeypatch.setattr(to_redshift, "RETRIES", Retries(tries=5, first_pause_seconds=0.01, longest_pause_seconds=0.01))
    publish_to_redshift(redshift, staging, joined(0.1), TABLE)
    assert len(set(tokens)) == 3
    assert len(published()) == 1


def test_the_staging_folder_is_emptied(
    redshift: RedshiftParameters, staging: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(to_redshift, "ROWS_PER_FILE", 2)
    assert publish_to_redshift(redshift, staging, joined(0.1, 0.2, 0.3), TABLE) == 3
    assert Folder(staging).list() == []


def test_a_text_that_does_not_fit_is_an_error(redshift: RedshiftParameters, staging: str, query: Query) -> None:
    for column, size in (("top_features", 65_536), ("model_id", 257)):
        with pytest.raises(RedshiftError, match=f"column {column} has a text of {size:,} bytes"):
            too_long: dict[str, Any] = {column: "x" * size}
            publish_to_redshift(redshift, staging, joined(0.1, **too_long), TABLE)
    assert Folder(staging).list() == []


@pytest.mark.parametrize("lacking", [["incomplete_reason", "score_note"], ["score_note"]])
def test_a_table_of_an_earlier_release_gets_the_columns_that_it_lacks(
    redshift: RedshiftParameters, staging: str, published: Any, query: Query, lacking: list[str]
) -> None:
    publish_to_redshift(redshift, staging, joined(0.1), TABLE)
    table = f"{redshift.schema_name}.prediction_join"
    for name in lacking:
        run_statements(redshift, [f"ALTER TABLE {table} DROP COLUMN {name}"])
    publish_to_redshift(redshift, staging, joined(0.2, incomplete_reason="a file is damaged", window=SECOND), TABLE)
    reasons = query(f'SELECT incomplete_reason FROM {redshift.schema_name}.prediction_join ORDER BY "window"')
    first = None if "incomplete_reason" in lacking else "x"
    assert [len(published()), reasons] == [2, [[first], ["a file is damaged"]]]


def test_an_older_table_is_an_error_that_names_it(redshift: RedshiftParameters, staging: str) -> None:
    run_statements(redshift, [f"CREATE TABLE {redshift.schema_name}.prediction_join (record_id VARCHAR(64))"])
    with pytest.raises(RedshiftError, match="failed in Redshift"):
        publish_to_redshift(redshift, staging, joined(0.1), TABLE)
