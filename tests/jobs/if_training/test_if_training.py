import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from common.detection.inputs import model_features
from common.detection.pairs.owners import read_owners
from common.features.spec import load_spec
from common.lake.identity import LakeIdentity
from common.lake.lake_format import replace_record
from common.windows import Windows
from jobs.if_training.cli import main
from tests.common.calendar.calendars import put_calendar
from tests.common.detection.model_lake import HOSTS, RANGE, host, make_lake
from tests.common.detection.pairs.owner_files import write_owners
from tests.types import Run

pytestmark = pytest.mark.slow

MODELS = Path("models") / "local"
FEATURES = model_features(load_spec("v1"))


def train(lake: Path, *options: str, window: Windows = RANGE) -> Run:
    """The exit code, the report (or nothing) and the error line of a run."""
    arguments = ["--window", str(window), "--lake", str(lake), "--min-rows", "50", "--n-estimators", "10", *options]
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, json.loads(result.stdout) if result.exit_code == 0 else {}, result.stderr


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_lake(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="module")
def trained(source: Path) -> tuple[Path, dict[str, Any]]:
    code, report, error = train(source)
    assert code == 0, error
    return source, report


def test_report_says_what_was_trained(trained: tuple[Path, dict[str, Any]]) -> None:
    lake, report = trained
    details = report["details"]
    assert report["rows_in"] == len(RANGE) * HOSTS
    assert details["features"] == len(FEATURES.names)
    assert details["features_used"] == len(FEATURES.names) - sum(details["features_dropped"].values())
    assert details["reused"] is False
    assert details["model_uri"] == f"{lake}/{MODELS}/{details['run_id']}"


def test_run_holds_all_files_and_is_current(trained: tuple[Path, dict[str, Any]]) -> None:
    lake, report = trained
    run = report["details"]["run_id"]
    assert {path.name for path in (lake / MODELS / run).iterdir()} == {
        "arrays.safetensors", "values.json", "drift.json", "manifest.json", "report.json", "SUCCESS", "report.html",
        "verify.json", "remediation.json", "reverify.json", "publication.json", "attributes.json", "deployment.json"
    }  # fmt: skip
    assert json.loads((lake / MODELS / "current.json").read_bytes())["run_id"] == run
    manifest = json.loads((lake / MODELS / run / "manifest.json").read_bytes())
    assert manifest["training_window"] == str(RANGE)
    assert manifest["rows"] == len(RANGE) * HOSTS
    assert manifest["forest"]["n_estimators"] == 10


def test_second_run_keeps_the_model(trained: tuple[Path, dict[str, Any]]) -> None:
    lake, report = trained
    model = lake / MODELS / report["details"]["run_id"] / "arrays.safetensors"
    before = model.stat().st_mtime_ns
    code, again, _ = train(lake)
    assert code == 0
    assert again["details"]["reused"] is True
    assert again["details"]["model_sha256"] == report["details"]["model_sha256"]
    assert model.stat().st_mtime_ns == before


def test_same_input_gives_the_same_files_elsewhere(trained: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    lake, report = trained
    shutil.copytree(lake, tmp_path / "copy", ignore=shutil.ignore_patterns("models"))
    code, again, _ = train(tmp_path / "copy")
    assert code == 0
    run = report["details"]["run_id"]
    assert again["details"]["run_id"] == run
    for name in ("arrays.safetensors", "values.json", "manifest.json", "SUCCESS"):
        assert (tmp_path / "copy" / MODELS / run / name).read_bytes() == (lake / MODELS / run / name).read_bytes()


def test_rows_in_the_calendar_are_left_out_and_make_another_run(
    trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    source, report = trained
    lake = tmp_path / "lake"
    shutil.copytree(source, lake)
    entry = {"start": RANGE.start.isoformat(), "end": RANGE.end.isoformat(), "hosts": [host(1), host(2)]}
    put_calendar(lake, entry)
    code, again, error = train(lake)
    assert code == 0, error
    rows = len(RANGE) * HOSTS
    figures = {"hosts": 2, "days": len(RANGE.days()), "rows": 2 * len(RANGE), "rows_found": rows}
    assert again["details"]["left_out_by_calendar"] == figures and again["rows_in"] == rows - 2 * len(RANGE)
    assert again["details"]["run_id"] != report["details"]["run_id"]
    written = json.loads((lake / MODELS / again["details"]["run_id"] / "report.json").read_bytes())
    assert written["left_out_by_calendar"] == figures and written["rows_found"] == rows
    page = (lake / MODELS / again["details"]["run_id"] / "report.html").read_text()
    assert "left out by the calendar, of features" in page and f"2 hosts, 1 day, {figures['rows']} of 128 rows" in page
    put_calendar(lake, entry | {"hosts": ["0.0.0.0/0"]})
    code, _, error = train(lake)
    assert code == 1 and "has 0 rows" in error
    assert "left out by the calendar: 16 hosts, 1 day, 128 of 128 rows" in error


def test_unfinished_run_is_made_again(trained: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    lake, report = trained
    shutil.copytree(lake, tmp_path / "copy")
    run = tmp_path / "copy" / MODELS / report["details"]["run_id"]
    (run / "SUCCESS").unlink()
    (run / "arrays.safetensors").write_bytes(b"half of it")
    code, again, _ = train(tmp_path / "copy")
    assert code == 0
    assert again["details"]["reused"] is False
    assert again["details"]["model_sha256"] == report["details"]["model_sha256"]


def test_owners_of_networks_are_named_by_the_model_and_make_another_run(
    trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    lake, report = trained
    shutil.copytree(lake, tmp_path / "copy")
    owners = read_owners(write_owners(tmp_path / "asn.mmdb"))
    assert owners is not None
    given = tmp_path / "parameters.yaml"
    given.write_text(f"network_owners: {tmp_path}/asn.mmdb\n")
    code, again, error = train(tmp_path / "copy", "--parameters", str(given))
    assert code == 0, error
    run = again["details"]["run_id"]
    assert run != report["details"]["run_id"]
    manifest = json.loads((tmp_path / "copy" / MODELS / run / "manifest.json").read_bytes())
    assert manifest["owners"] == {"database": "Test-ASN", "built": owners.built, "sha256": owners.sha256}
    assert json.loads((lake / MODELS / report["details"]["run_id"] / "manifest.json").read_bytes())["owners"] is None
    Path(owners.uri).write_bytes(b"no database")
    code, _, error = train(tmp_path / "copy", "--parameters", str(given))
    assert code == 1
    assert f"network_owners {tmp_path}/asn.mmdb cannot be read" in error


def test_other_parameters_are_another_run(trained: tuple[Path, dict[str, Any]]) -> None:
    lake, report = trained
    code, other, _ = train(lake, "--random-state", "7")
    assert code == 0
    assert other["details"]["run_id"] != report["details"]["run_id"]
    assert json.loads((lake / MODELS / "current.json").read_bytes())["run_id"] == other["details"]["run_id"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--min-rows", "1000"], f"has {len(RANGE) * HOSTS} rows in .* fewer than 1,000"),
        (["--project-name", "../x"], "is of project 'local', but --project-name is '../x'"),
        (["--feature-spec-version", "v9"], "has feature specification 'v1', but --feature-spec-version is 'v9'"),
    ],
)
def test_failure_is_one_line_and_code_1(source: Path, options: list[str], message: str) -> None:
    code, _, error = train(source, *options)
    last = error.strip().splitlines()[-1]
    assert code == 1
    assert last.startswith("error: ")
    assert re.search(message, last)


def test_no_fg_c_of_the_horizon_is_an_error(source: Path, tmp_path: Path) -> None:
    lake = shutil.copytree(source, tmp_path / "lake")
    replace_record(str(lake), LakeIdentity(parameters={"settings": {"model_horizon": "30d"}}))
    code, _, error = train(lake)
    assert code == 1
    assert "8 of 8 windows" in error and "no rows in fg_c" in error and "Run ndr-fg-a and ndr-fg-c" in error


def test_a_lake_without_deviations_says_what_to_run(tmp_path: Path) -> None:
    code, _, error = train(make_lake(tmp_path, only=("fg_a",)))
    assert code == 1
    assert "8 of 8 windows" in error and "no rows in fg_c" in error and "Run ndr-fg-a and ndr-fg-c" in error


@pytest.mark.parametrize("options", [["--max-samples", "1"], ["--n-estimators", "0"], ["--window", "2026-03-10"]])
def test_usage_errors_are_code_2(tmp_path: Path, options: list[str]) -> None:
    assert train(tmp_path, *options)[0] == 2


def test_help_names_every_option() -> None:
    text = CliRunner().invoke(main, ["--help"]).stdout
    assert all(option in text for option in ("--window", "--lake", "--n-estimators", "--max-samples", "--min-rows"))
