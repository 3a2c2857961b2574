"""Each image does what its command does, and needs nothing for it but the files that are mounted."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from common.runtime.catalog import STAGES
from tests.images.containers import (
    SMALL_SPARK,
    Done,
    bake_plan,
    example_of,
    image_names,
    inspect,
    run_example,
    run_image,
)
from tests.images.small_lake import (
    LAKE,
    LOGS,
    WINDOW,
    WRITTEN,
    SmallLake,
    assert_same,
    give_to_images_user,
    run_command,
    training_arguments,
)

IMAGES = image_names()
COMMANDS = [stage.command for stage in STAGES if stage.is_step]
ON_TABLES = [command for command in COMMANDS if WRITTEN.get(command)]
NOT_THERE = {
    "ndr-delta": (("--window", WINDOW, "--input", "/logs"), "input '/logs' does not exist"),
    "ndr-15m": (("--window", WINDOW, "--input", "/logs"), "input '/logs' does not exist"),
    "ndr-pair-counts": (("--window", WINDOW), "table delta_pair does not exist"),
    "ndr-fg-a": (("--window", WINDOW), "table delta_host does not exist"),
    "ndr-fg-c": (("--window", WINDOW), "table fg_a does not exist"),
    "ndr-page": (("--out", "/lake/page.html"), "nothing is scored yet"),
    "ndr-alerts": (("--deliver", "all"), "have no channel all"),
    "ndr-if-training": (("--window", "2026-03-03T00:08Z/2026-03-10T00:08Z"), "only 0.0% of the windows"),
    "ndr-extractor": (
        ("--window", WINDOW, "--request-id", "r", "--input-prefix", "/fw", "--manifest", "/lake/m"),
        "/fw",
    ),
}
YOUNG = {
    "ndr-fg-b": (("--month", "2026-03"), "learning"),
    "ndr-inference": (("--window", WINDOW), "learning"),
    "ndr-join": (("--window", WINDOW), "learning"),
    "ndr-inventory-unload": (("--month", "2026-03"), "machine_inventory"),
    "ndr-maintain": ((), "tables"),
    "ndr-canary": ((), "learning"),
}
"""Stages with nothing to do in an empty lake, and what their report says why by."""


def test_there_is_an_image_for_each_stage() -> None:
    assert sorted([*(stage.command for stage in STAGES), "ndr-spark"]) == IMAGES


def test_each_stage_has_a_spark_variant_for_pipelines() -> None:
    tags = [tag for target in bake_plan("spark")["target"].values() for tag in target.get("tags", ())]
    assert {tag for tag in tags if tag.endswith(":latest-spark")} == {f"{command}:latest-spark" for command in COMMANDS}


@pytest.mark.parametrize("image", IMAGES)
def test_help_shows_how_to_run_it(image: str) -> None:
    done = run_image(image, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert example_of(done.stdout).startswith("docker run --rm -")


@pytest.mark.parametrize("image", COMMANDS)
def test_a_wrong_argument_is_a_usage_error(image: str) -> None:
    others = {"ndr-fg-b": "--month", "ndr-inventory-unload": "--month", "ndr-maintain": "--keep"}
    option = others.get(image, "--window")
    done = run_image(image, option, "yesterday", "--lake", "/lake")
    assert done.returncode == 2
    assert "'yesterday'" in done.stderr


def run_on_empty_lake(image: str, arguments: tuple[str, ...], folder: Path) -> Done:
    """What became of the image's command on a new lake in the folder."""
    (folder / "lake").mkdir()
    give_to_images_user(folder)
    return run_image(image, *arguments, "--lake", "/lake", folder=folder)


@pytest.mark.parametrize("image", NOT_THERE)
def test_what_is_not_there_is_named(image: str, tmp_path: Path) -> None:
    arguments, named = NOT_THERE[image]
    done = run_on_empty_lake(image, arguments, tmp_path)
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert named in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("image", YOUNG)
def test_a_young_project_is_no_failure(image: str, tmp_path: Path) -> None:
    arguments, told_by = YOUNG[image]
    done = run_on_empty_lake(image, arguments, tmp_path)
    assert done.returncode == 0, done.stderr
    assert told_by in json.loads(done.stdout)["details"]


def test_every_step_is_tried_on_an_empty_lake() -> None:
    assert sorted([*NOT_THERE, *YOUNG]) == sorted(COMMANDS)


@pytest.mark.parametrize("image", ON_TABLES)
def test_the_example_gives_the_tables_of_the_command(image: str, small_lake: SmallLake, tmp_path: Path) -> None:
    example = example_of(run_image(image, "--help").stdout)
    in_container = small_lake.before(image, tmp_path / "container", to_images_user=False)
    by_command = small_lake.before(image, tmp_path / "command", to_images_user=False)

    done = run_example(example, in_container)
    assert done.returncode == 0, done.stderr
    words = shlex.split(example.partition(f" {image} ")[2])
    run_command(image, *(word.removeprefix("/") for word in words), cwd=by_command)

    assert json.loads(done.stdout.splitlines()[-1])["engine"] == "sail"
    assert_same(in_container, by_command, image)


def test_the_spark_image_gives_the_tables_of_the_command(small_lake: SmallLake, tmp_path: Path) -> None:
    example = example_of(run_image("ndr-spark", "--help").stdout)
    folder = small_lake.before("ndr-fg-c", tmp_path / "container")
    done = run_example(example, folder, options=SMALL_SPARK)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["engine"] == "spark"
    by_command = small_lake.before("ndr-fg-c", tmp_path / "command")
    run_command("ndr-fg-c", "--window", WINDOW, "--lake", LAKE, cwd=by_command)
    assert_same(folder, by_command, "ndr-fg-c")


def test_training_gives_the_same_model(small_lake: SmallLake, tmp_path: Path) -> None:
    in_container = small_lake.before("ndr-if-training", tmp_path / "container")
    by_command = small_lake.before("ndr-if-training", tmp_path / "command")
    done = run_image("ndr-if-training", *training_arguments(f"/{LAKE}", "/project.yaml"), folder=in_container)
    assert done.returncode == 0, done.stderr
    run_command("ndr-if-training", *training_arguments(LAKE, "project.yaml"), cwd=by_command)
    manifests = [
        json.loads(next((folder / LAKE).glob("models/local/*/manifest.json")).read_text())
        for folder in (in_container, by_command)
    ]
    for manifest in manifests:
        del manifest["libraries"]["python"]  # that of the base image
    assert manifests[0] == manifests[1]


def test_the_extractor_writes_the_same_manifest(small_lake: SmallLake, tmp_path: Path) -> None:
    shutil.copytree(small_lake.folder / LOGS, tmp_path / LOGS)
    (tmp_path / LOGS / "_BATCH.json").write_text('{"event_ts_iso": "2026-03-10T13:23:11Z"}')
    manifest = tmp_path / "demo" / "backfill" / "march-10"
    manifest.mkdir(parents=True)
    (tmp_path / LAKE).mkdir()

    example = example_of(run_image("ndr-extractor", "--help").stdout)
    done = run_example(example, tmp_path)
    assert done.returncode == 0, done.stderr
    by_image = [(manifest / name).read_text() for name in ("manifest.json", "windows.json")]
    words = shlex.split(example.partition(" ndr-extractor ")[2])
    run_command("ndr-extractor", *(word.removeprefix("/") for word in words), cwd=tmp_path)
    by_command = [
        (manifest / name).read_text().replace(str(tmp_path), "") for name in ("manifest.json", "windows.json")
    ]
    assert by_image == by_command
    assert json.loads(by_image[0])["window_count"] == 1


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_holds_no_more_than_it_needs(image: str) -> None:
    config = inspect(image)["Config"]
    assert config["User"] == "1000:1000"
    assert config["Entrypoint"] == [image]
    assert config.get("Healthcheck") is None
    search = "command -v gcc cc make pip pip3; ls -A /root/.cache /var/cache/apt /tmp"
    found = run_image(image, "-c", search, options=("--entrypoint", "sh")).stdout
    assert [line for line in found.splitlines() if line and not line.endswith(":")] == []
