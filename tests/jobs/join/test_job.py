import hashlib
import json
import re
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.config.redshift import RedshiftParameters
from common.contracts import join_features, tables
from common.lake.lake import Lake
from common.storage.files import Folder
from common.windows import Windows
from jobs.join.cli import main
from jobs.join.triage import current_triage
from localaws.cli.process import LocalAws
from tests.commands import run
from tests.common.detection.model_lake import HOSTS, RANGE, host, make_lake, rows, write
from tests.conftest import ENGINE
from tests.factories import SPEC
from tests.lakes import note_whole
from tests.redshift import Query
from tests.types import Row, Run

pytestmark = pytest.mark.slow

LAST = list(RANGE)[-1]


def join(lake: Path, window: Windows | str = RANGE, *more: str) -> Run:
    """The exit code, the report (or nothing) and the error line of a run."""
    return run(main, "--window", window, "--lake", lake, "--engine", ENGINE, *more)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with features and predictions."""
    lake = make_lake(tmp_path_factory.mktemp("lake"))
    texts = {name: dict.fromkeys(range(HOSTS), value) for name, value in
             (("model_id", "if-1"), ("model_sha256", "00"), ("top_features", "[]"), ("pair_evidence", "[]"))
             if name in tables(SPEC)["predictions"].column_names}  # fmt: skip
    for number, window in enumerate(RANGE):
        write(lake, tables(SPEC)["predictions"], rows("predictions", window, number, overrides=texts))
    note_whole(lake, RANGE, ["inference"])
    return lake


@pytest.fixture
def lake(source: Path, tmp_path: Path) -> Path:
    return shutil.copytree(source, tmp_path / "lake")


def by_key(table: pa.Table) -> dict[tuple[str, str], Row]:
    return {(row["host_ip"], row["window"]): row for row in table.to_pylist()}


@pytest.mark.parity
def test_every_prediction_has_one_row_with_its_features(lake: Path) -> None:
    code, report, error = join(lake)
    assert code == 0, error
    reader = Lake(str(lake), SPEC)
    joined = by_key(reader.arrow("prediction_join"))
    assert len(joined) == report["rows_in"] == report["rows_out"] == len(RANGE) * HOSTS
    assert report["details"]["alerts"] == sum(row["anomaly_score"] >= 0.999 for row in joined.values())
    current, deviations = join_features(SPEC)
    for name, features in (
        ("predictions", tables(SPEC)["predictions"].column_names),
        ("fg_a", current),
        ("fg_c", deviations),
    ):
        source = by_key(reader.arrow(name))
        for key, row in joined.items():
            assert {feature: row[feature] for feature in features} == {
                feature: source[key][feature] for feature in features
            }


def test_record_id_is_the_digest_of_what_names_the_record(lake: Path) -> None:
    join(lake, LAST)
    row = by_key(Lake(str(lake), SPEC).arrow("prediction_join"))[host(2), LAST.key]
    named = "\n".join(["local", "v1", "if-1", "10.20.0.2", LAST.key])
    assert row["record_id"] == hashlib.sha256(named.encode()).hexdigest()


@pytest.mark.parity
def test_second_run_gives_the_same_rows(lake: Path) -> None:
    join(lake)
    before = by_key(Lake(str(lake), SPEC).arrow("prediction_join"))
    join(lake)
    assert by_key(Lake(str(lake), SPEC).arrow("prediction_join")) == before


def test_a_run_of_one_window_leaves_the_others(lake: Path) -> None:
    join(lake)
    code, report, _ = join(lake, LAST)
    assert code == 0
    assert report["rows_out"] == HOSTS
    assert len(Lake(str(lake), SPEC).arrow("prediction_join")) == len(RANGE) * HOSTS


def test_other_horizons_do_not_double_rows(lake: Path) -> None:
    one, other = (
        rows("fg_c", LAST, 1),
        rows("fg_c", LAST, 2, overrides={"baseline_horizon": dict.fromkeys(range(HOSTS), "30d")}),
    )
    write(lake, tables(SPEC)["fg_c"], pa.concat_tables([one, other]))
    code, report, error = join(lake, LAST)
    assert code == 0, error
    assert report["rows_out"] == HOSTS


@pytest.mark.parametrize(
    ("table", "column", "message"),
    [
        ("fg_a", "host_ip", "1 of 16 predictions .* have no row in fg_a"),
        ("fg_c", "host_ip", "1 of 16 predictions .* have no row in fg_c"),
        ("fg_c", "baseline_horizon", "1 of 16 predictions .* have no row in fg_c"),
    ],
)
def test_prediction_without_features_is_an_error(lake: Path, table: str, column: str, message: str) -> None:
    write(lake, tables(SPEC)[table], rows(table, LAST, 1, overrides={column: {5: "other"}}))
    code, _, error = join(lake, LAST)
    assert code == 1
    assert re.search(message, error)
    assert not (lake / "prediction_join").exists()


def test_host_twice_is_an_error(lake: Path) -> None:
    write(lake, tables(SPEC)["fg_a"], rows("fg_a", LAST, 1, overrides={"host_ip": {5: host(4), 6: host(4)}}))
    code, _, error = join(lake, LAST)
    assert code == 1
    assert "16 predictions" in error and "18 rows with 16 distinct ids" in error


def test_predictions_that_are_older_than_their_features_are_not_joined(lake: Path) -> None:
    note_whole(lake, LAST)
    code, _, error = join(lake)
    assert code == 1
    assert "2026-03-10T01:53Z (inference is older than fg_a and fg_c). Run ndr-inference again" in error
    assert not (lake / "prediction_join").exists()


def test_before_the_first_scores_there_is_nothing_to_join(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    code, report, error = join(lake, LAST, "--destination", "lake")
    assert code == 0, error
    assert report["details"] == {"learning": {"model": "day 1 of 9: nothing is scored yet, so nothing is published"}}
    assert not (lake / "prediction_join").exists()


def test_no_predictions_is_an_error(lake: Path) -> None:
    code, _, error = join(lake, "2026-03-12T00:08Z")
    assert code == 1
    assert "predictions has no rows in 2026-03-12T00:08Z. Run ndr-inference" in error


def test_rows_are_published_in_s3_after_the_lake(lake: Path, tmp_path: Path, aws_environment: LocalAws) -> None:
    aws_environment.client("s3").create_bucket(Bucket="join-destination")
    (tmp_path / "project.yaml").write_text("publication: {s3_prefix: s3://join-destination/out}\n")
    code, report, error = join(lake, LAST, "--destination", "s3", "--parameters", str(tmp_path / "project.yaml"))
    assert code == 0, error
    triage = current_triage(Lake(str(lake), SPEC), "local", LAST)
    assert triage.counts() == {"rows": len(triage.rows), "cases": HOSTS, "hidden": 0}
    published = {"prefix": "s3://join-destination/out", "windows": {LAST.key: HOSTS}, "triage": triage.counts()}
    assert report["details"]["publication"] == published
    assert [step["step"] for step in report["steps"]] == ["prediction_join", "s3"]
    folder = Folder(f"s3://join-destination/out/date={LAST.start:%Y-%m-%d}/window={LAST.key}")
    (entry,) = json.loads(folder.read("manifest.json"))["entries"]
    rows = pq.read_table(pa.BufferReader(folder.read(entry["url"].rpartition("/")[2])))
    in_lake = Lake(str(lake), SPEC).arrow("prediction_join", windows=LAST)
    assert sorted(rows["record_id"].to_pylist()) == sorted(in_lake["record_id"].to_pylist())


def test_rows_are_published_in_redshift_after_the_lake(
    lake: Path, tmp_path: Path, aws_environment: LocalAws, redshift: RedshiftParameters, query: Query
) -> None:
    aws_environment.client("s3").create_bucket(Bucket="join-destination")
    settings = {
        "staging_prefix": "s3://join-destination/staging",
        "redshift": {
            "workgroup_name": "ndr",
            "database": "ndr",
            "iam_role_arn": "default",
            "schema": redshift.schema_name,
        },
    }
    (tmp_path / "project.json").write_text(json.dumps(settings))
    for _ in range(2):
        code, report, error = join(
            lake, RANGE, "--destination", "redshift", "--parameters", str(tmp_path / "project.json")
        )
        assert code == 0, error
    target = f"{redshift.schema_name}.prediction_join"
    rows, triage = len(RANGE) * HOSTS, current_triage(Lake(str(lake), SPEC), "local", RANGE)
    assert report["details"]["publication"] == {"table": target, "rows": rows, "triage": triage.counts()}
    assert query(f"SELECT COUNT(*) FROM {target}_triage") == [[len(triage.rows)]]
    in_lake = Lake(str(lake), SPEC).arrow("prediction_join", ["record_id", "anomaly_score"]).to_pylist()
    found = query(f"SELECT record_id, anomaly_score FROM {target} ORDER BY record_id")
    assert found == sorted([row["record_id"], row["anomaly_score"]] for row in in_lake)


@pytest.mark.parametrize(
    ("destination", "settings", "words"),
    [
        ("s3", "{}", "project local has no parameter group publication"),
        ("redshift", "{}", "project local has no parameter group redshift"),
        (
            "redshift",
            "redshift: {workgroup_name: ndr, database: dev, iam_role_arn: default}",
            "project local has no staging_prefix",
        ),
    ],
)
def test_a_destination_that_the_project_lacks_is_an_error_before_anything_is_written(
    lake: Path, tmp_path: Path, destination: str, settings: str, words: str
) -> None:
    (tmp_path / "project.yaml").write_text(settings)
    code, _, error = join(lake, LAST, "--destination", destination, "--parameters", str(tmp_path / "project.yaml"))
    assert code == 1
    assert words in error
    assert not (lake / "prediction_join").exists()


def test_an_unknown_destination_is_a_usage_error(lake: Path) -> None:
    assert join(lake, LAST, "--destination", "kafka")[0] == 2
