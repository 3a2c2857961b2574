import json
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyspark.sql import SparkSession

from common.contracts import tables
from common.lake.lake import Lake
from common.windows import Windows, partition_key
from jobs.inference.cli import main
from jobs.inference.transform import WindowNotes, predict, score_notes
from tests.commands import call
from tests.common.detection.model_lake import HOSTS, RANGE, host, make_lake, rows, train_model, write
from tests.conftest import ENGINE, Stages, write_sessions
from tests.factories import SPEC, sessions
from tests.factories import session as session_row
from tests.lakes import note_whole, write_table
from tests.types import Run
from tools.lake.cli import main as configuration

pytestmark = pytest.mark.slow

LAST = list(RANGE)[-1]


def configure(lake: Path, *options: str | Path) -> tuple[int, str, str]:
    """A run of ndr-lake configure."""
    return call(configuration, "configure", "--lake", lake, *options)


def infer(lake: Path, *options: str, window: Windows | str = RANGE) -> Run:
    """The exit code, the report (or nothing) and the error line of a run."""
    result = CliRunner().invoke(main, ["--window", str(window), "--lake", str(lake), "--engine", ENGINE, *options])
    return result.exit_code, json.loads(result.stdout) if result.exit_code == 0 else {}, result.stderr


def predictions(lake: Path) -> pa.Table:
    table = Lake(str(lake), SPEC).arrow("predictions")
    return table.sort_by([("window_end_ts", "ascending"), ("host_ip", "ascending")])


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, session: SparkSession) -> tuple[Path, dict[str, str]]:
    """A lake with features and a current model."""
    lake = make_lake(tmp_path_factory.mktemp("lake"))
    return lake, train_model(lake)


@pytest.fixture
def lake(source: tuple[Path, dict[str, str]], tmp_path: Path) -> Path:
    return shutil.copytree(source[0], tmp_path / "lake")


@pytest.fixture(scope="module")
def scored(
    source: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any], pa.Table]:
    lake = shutil.copytree(source[0], tmp_path_factory.mktemp("scored") / "lake")
    code, report, error = infer(lake)
    assert code == 0, error
    return lake, report, predictions(lake)


@pytest.mark.parity
def test_every_host_and_window_has_one_prediction(scored: tuple[Path, dict[str, Any], pa.Table]) -> None:
    _, report, table = scored
    assert len(table) == report["rows_out"] == len(RANGE) * HOSTS
    assert len(table.group_by(["host_ip", "window_end_ts"]).aggregate([])) == len(table)
    assert table.schema.equals(tables(SPEC)["predictions"].arrow) or set(table.column_names) == set(
        tables(SPEC)["predictions"].column_names
    )


def test_scores_are_between_zero_and_one_and_follow_the_raw_score(
    scored: tuple[Path, dict[str, Any], pa.Table],
) -> None:
    table = scored[2].sort_by("raw_score")
    scores = table["anomaly_score"].to_pylist()
    assert scores == sorted(scores)
    assert scores[0] >= 0 and scores[-1] <= 1


def test_each_prediction_names_its_reasons_largest_first(scored: tuple[Path, dict[str, Any], pa.Table]) -> None:
    for row in scored[2].to_pylist():
        reasons = json.loads(row["top_features"])
        added = [reason["contribution"] for reason in reasons]
        assert len(reasons) == 8 or sum(added) == pytest.approx(row["raw_score"], abs=1e-4)  # fewer: these are all
        assert added == sorted(added, reverse=True)
        assert all(amount > 0 for amount in added)
        assert sum(added) <= row["raw_score"] + 1e-4
        assert set(reasons[0]) == {"feature", "value", "baseline_median", "contribution"}


@pytest.mark.parity
def test_reasons_hold_the_value_and_the_training_median(scored: tuple[Path, dict[str, Any], pa.Table]) -> None:
    lake, _, table = scored
    manifest = json.loads(next((lake / "models/local").glob("*/manifest.json")).read_bytes())["preprocessing"]
    medians = dict(zip(manifest["mask"], manifest["medians"], strict=True))
    row = next(row for row in table.to_pylist() if (row["host_ip"], row["window"]) == (host(3), LAST.key))
    found = [Lake(str(lake), SPEC).arrow(name, windows=LAST).to_pylist() for name in ("fg_a", "fg_c")]
    values = {key: value for rows in found for row in rows if row["host_ip"] == host(3) for key, value in row.items()}
    for reason in json.loads(row["top_features"]):
        assert reason["value"] == pytest.approx(values[reason["feature"]], rel=1e-6)
        assert reason["baseline_median"] == pytest.approx(medians[reason["feature"]], rel=1e-6)


def test_predictions_name_the_model(
    scored: tuple[Path, dict[str, Any], pa.Table], source: tuple[Path, dict[str, str]]
) -> None:
    table = scored[2]
    assert set(table["model_id"].to_pylist()) == {source[1]["run_id"]}
    assert set(table["model_sha256"].to_pylist()) == {source[1]["model_sha256"]}


@pytest.mark.parity
def test_second_run_gives_the_same_predictions(scored: tuple[Path, dict[str, Any], pa.Table]) -> None:
    lake, _, before = scored
    code, report, _ = infer(lake)
    assert code == 0
    assert predictions(lake).equals(before)
    assert report["tables"]["predictions"]["rows"] == len(before)


def test_one_window_replaces_only_that_window(scored: tuple[Path, dict[str, Any], pa.Table], tmp_path: Path) -> None:
    lake = shutil.copytree(scored[0], tmp_path / "lake")
    code, report, _ = infer(lake, window=LAST)
    assert code == 0
    assert report["rows_out"] == HOSTS
    assert predictions(lake).equals(scored[2])  # a window scores the same by itself


def test_named_run_is_used(lake: Path, source: tuple[Path, dict[str, str]]) -> None:
    other = train_model(lake, random_state=99)
    assert other["run_id"] != source[1]["run_id"]
    code, report, _ = infer(lake, "--model", source[1]["run_id"], window=LAST)
    assert code == 0
    assert report["details"]["run_id"] == source[1]["run_id"]


def test_tampered_model_is_refused_and_nothing_is_written(lake: Path, source: tuple[Path, dict[str, str]]) -> None:
    model = lake / "models/local" / source[1]["run_id"] / "arrays.safetensors"
    model.write_bytes(model.read_bytes() + b"\0")
    code, _, error = infer(lake)
    assert code == 1
    assert "arrays.safetensors of model" in error and "was altered" in error
    assert not (lake / "predictions").exists()


def test_unfinished_model_is_refused(lake: Path, source: tuple[Path, dict[str, str]]) -> None:
    (lake / "models/local" / source[1]["run_id"] / "SUCCESS").unlink()
    code, _, error = infer(lake)
    assert code == 1
    assert "was not saved completely" in error


def test_without_a_model_a_project_learns(lake: Path) -> None:
    shutil.rmtree(lake / "models")
    code, report, error = infer(lake)
    assert (code, report["rows_out"], report["tables"]) == (0, 0, {}), error
    said = "day 1 of 9: no current model, so no scores; ndr-if-training makes it"
    assert report["details"] == {"learning": {"model": said}}
    assert not (lake / "predictions").exists()
    code, _, error = infer(lake, "--model", "if-1")
    assert code == 1 and "if-1" in error


def test_host_without_fg_c_is_an_error(lake: Path) -> None:
    overrides = {"baseline_horizon": {5: "30d"}}
    write(lake, tables(SPEC)["fg_c"], rows("fg_c", LAST, 1, overrides=overrides))
    code, _, error = infer(lake, window=LAST)
    assert code == 1
    assert "1 row of fg_a" in error and "Run ndr-fg-c again" in error


def test_windows_without_features_are_an_error(lake: Path) -> None:
    code, _, error = infer(lake, window="2026-03-12T00:08Z")
    assert code == 1
    assert "fg_a" in error and "has no rows in 2026-03-12T00:08Z" in error


@pytest.mark.parametrize("options", [["--top-features", "4"], ["--top-features", "11"]])
def test_usage_errors_are_code_2(tmp_path: Path, options: list[str]) -> None:
    assert infer(tmp_path, *options)[0] == 2


def test_a_window_whose_tables_are_of_different_age_is_not_scored(lake: Path) -> None:
    """As after a kill of ndr-15m: the slices are new, the features are not."""
    note_whole(lake, LAST, ["delta"])
    code, _, error = infer(lake)
    assert code == 1
    assert "not of one age in 2026-03-10T01:53Z (fg_a is older than delta). Run ndr-15m again" in error
    assert not (lake / "predictions").exists()
    code, _, error = infer(lake, window=Windows(RANGE.start, LAST.start))
    assert code == 0, error


def test_a_window_that_is_rewritten_while_it_is_scored_is_not_published(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rewritten(*arguments: Any) -> Any:
        note_whole(lake, LAST)
        return predict(*arguments)

    monkeypatch.setattr("jobs.inference.parts.predict", rewritten)
    code, _, error = infer(lake, window=LAST)
    assert code == 1
    assert f"window {LAST.key} in {lake} was rewritten while it was scored. Run ndr-inference again" in error
    assert not list((lake / "predictions").rglob("*.*"))


def test_predictions_of_damaged_logs_say_what_is_missing(lake: Path) -> None:
    with Lake(str(lake), SPEC).journal.run("delta", LAST, "hq.csv.gz is damaged"):
        pass
    note_whole(lake, LAST, ["fg_a", "pair_counts", "fg_c"])
    code, report, error = infer(lake)
    assert code == 0, error
    assert report["details"]["incomplete_windows"] == {LAST.key: "hq.csv.gz is damaged"}
    found = {(row["window"], row["incomplete_reason"]) for row in predictions(lake).to_pylist()}
    assert found == {(window.key, "hq.csv.gz is damaged" if window == LAST else None) for window in RANGE}


def test_predictions_of_a_young_project_say_how_far_it_has_learnt(lake: Path) -> None:
    code, report, error = infer(lake)
    assert code == 0, error
    assert report["details"]["learning"] == {"model": "learning, 1 of 9 days"}
    assert set(predictions(lake)["score_note"].to_pylist()) == {"learning, 1 of 9 days"}
    (lake / "settings.yaml").write_text("horizons: {7d: {days: 1, gap_days: 0}}\nmodel_horizon: 7d\n")
    shutil.rmtree(lake / "predictions")
    assert configure(lake, "--parameters", lake / "settings.yaml")[0] == 0
    code, report, error = infer(lake)
    assert code == 0, error
    assert "learning" not in report["details"]
    assert set(predictions(lake)["score_note"].to_pylist()) == {None}


def test_a_note_says_by_how_much_a_score_is_lowered() -> None:
    notes = WindowNotes({}, {"20260310T0008Z": "learning, 1 of 9 days"})
    windows, unusual = ["20260310T0008Z"] * 2 + ["20260320T0008Z"] * 2, "the whole network is unusual: score lowered by"
    assert [*score_notes(notes, windows, [0.0, 1.234, 2.0, 0.001])] == [
        "learning, 1 of 9 days",
        f"learning, 1 of 9 days; {unusual} 1.23",
        f"{unusual} 2.00",
        None,
    ]


def test_predictions_of_a_window_in_which_a_device_is_silent_say_so(
    lake: Path, session: SparkSession, tmp_path: Path
) -> None:
    stages = Stages(session, lake)
    silent = {"device_serial": "0042", "src_zone": "dmz", "records": 80}
    past = [LAST.start - back * timedelta(days=7) for back in (1, 2)]
    write_table(
        lake, "log_volume", [silent | {"date": f"{start:%Y-%m-%d}", "window": partition_key(start)} for start in past]
    )
    stages.delta(str(LAST), write_sessions(sessions(session_row(end_ts=LAST.start)), tmp_path / "in.parquet"))
    note_whole(lake, LAST, ["fg_a", "pair_counts", "fg_c"])
    code, _, error = infer(lake, window=LAST)
    assert code == 0, error
    reason = "device 0042 is silent: 0 of 80 expected records"
    assert set(predictions(lake)["incomplete_reason"].to_pylist()) == {reason}


@pytest.mark.slow
def test_inference_does_without_the_libraries_of_training_and_unpickles_nothing(lake: Path, tmp_path: Path) -> None:
    """In a process that lacks them, and that any class in a pickle ends but PySpark's, which copies its types so."""
    program = tmp_path / "inference.py"
    program.write_text(
        "import os, sys\n"
        "for name in ('sklearn', 'joblib', 'scipy', 'optuna'): sys.modules[name] = None\n"
        "def hook(event, arguments):\n"
        "    if event == 'pickle.find_class' and not arguments[0].startswith('pyspark.'): os._exit(99)\n"
        "sys.addaudithook(hook)\n"
        "from jobs.inference.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    options = ["--window", str(LAST), "--lake", str(lake), "--engine", ENGINE]
    done = subprocess.run([sys.executable, program, *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert predictions(lake).num_rows == HOSTS
