"""Project parameters: defaults, files, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.config.project import ProjectParameters, load_project
from common.errors import ParameterError, ParametersError
from common.features.spec import Horizon


def written(folder: Path, text: str) -> str:
    path = folder / "project.yaml"
    path.write_text(text)
    return str(path)


def test_without_a_file_the_defaults_hold() -> None:
    assert load_project(None) == ProjectParameters()


def test_values_come_from_the_file(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "internal_cidrs: [10.0.0.0/8]\nhorizons: {7d: {days: 2, gap_days: 0.5}}\nallowed_lateness_minutes: 5\n"
        "segments: {10.1.0.0/16: servers}\nworking_hours: [8, 18]\n",
    )
    found = load_project(path, log_time_zone="Europe/Berlin")
    assert found.internal_cidrs == ("10.0.0.0/8",)
    assert found.horizons == {"7d": Horizon(2, 0.5)}
    assert found.allowed_lateness_minutes == 5.0
    assert found.segments == {"10.1.0.0/16": "servers"}
    assert found.working_hours == (8, 18)
    assert found.log_time_zone == "Europe/Berlin"


WRONG = [
    ("internal_cidr: 10.0.0.0/8", 1, "internal_cidr is unknown. Did you mean internal_cidrs?"),
    ("internal_cidrs: [10.0.0.0/33]", 18, 'internal_cidrs[0] is "10.0.0.0/33": \'10.0.0.0/33\' does not appear to be'),
    ("internal_cidrs: [10.1.0.1/16]", 18, 'internal_cidrs[0] is "10.1.0.1/16": 10.1.0.1/16 has host bits set. Give'),
    ("internal_cidrs: 10.0.0.0/8", 1, 'internal_cidrs is "10.0.0.0/8". Give a list'),
    ("internal_cidrs: [1, 2.5.0.0/16]", 18, "internal_cidrs[0] is 1. Give an IP prefix like 10.0.0.0/8"),
    ("time_zone: Mars/Olympus", 1, 'time_zone is "Mars/Olympus": there is no such zone. Give an IANA time zone like'),
    ("time_zone: +02:00", 1, 'time_zone is "+02:00". Give an IANA time zone like Europe/Berlin'),
    ("log_time_zone: +25:00", 1, 'log_time_zone is "+25:00". Give an IANA time zone like Europe/Berlin, or'),
    ("working_hours: [17, 7]", 1, "working_hours is [17, 7]. Give two hours in order, the start first"),
    ("working_hours: [7, 25]", 20, "working_hours[1] is 25. Give a whole number from 0 to 24"),
    ("working_hours: [7, 17, 22]", 1, "working_hours is [7, 17, 22]. Give a list of 2"),
    ("off_hours: [17:00, 22]", 13, 'off_hours[0] is "17:00". Give a whole number from 0 to 24, in plain digits'),
    ("weekend_days: [0]", 16, "weekend_days[0] is 0. Give a whole number from 1 to 7"),
    ("max_rejected_ratio: 1.5", 1, "max_rejected_ratio is 1.5. Give a number from 0 to 1"),
    ("max_rejected_ratio: on", 1, 'max_rejected_ratio is "on". Give a number from 0 to 1, in plain digits'),
    ("max_rejected_ratio: true", 1, "max_rejected_ratio is true. Give a number from 0 to 1"),
    ("max_rejected_ratio: .nan", 1, "max_rejected_ratio is NaN. Give a number from 0 to 1"),
    ("allowed_lateness_minutes: -1", 1, "allowed_lateness_minutes is -1. Give a number, 0 or more"),
    ("allowed_lateness_minutes: .inf", 1, "allowed_lateness_minutes is Infinity. Give a number, 0 or more"),
    ("horizons: {7d: 7}", 12, "horizons.7d is 7. Give a mapping"),
    ("horizons: {7d: {days: 0, gap_days: 0}}", 17, "horizons.7d.days is 0. Give a number above 0"),
    ("horizons: {7d: {days: 1, gap_days: -1}}", 26, "horizons.7d.gap_days is -1. Give a number, 0 or more"),
    ("model_horizon: ''", 1, 'model_horizon is "". Give a text that is not empty'),
    ("segments: {10.1.0.0/16: 7}", 12, 'segments["10.1.0.0/16"] is 7. Give a text that is not empty, or put it'),
    ("segments: {10.1.0.0/99: a}", 12, 'segments has the key "10.1.0.0/99". Give an IP prefix like 10.0.0.0/8'),
    ("segments: {10.0.0.0/8: b, 10.0.0.0/8: c}", 27, 'segments["10.0.0.0/8"] is given twice, first in line 2'),
    ("publication: {s3_prefix: /here}", 15, 'publication.s3_prefix is "/here". Give a folder like s3://bucket/folder'),
    ("staging_prefix: s3://b/it's", 1, "staging_prefix is"),
    ("batch_index_table: a b", 1, 'batch_index_table is "a b". Give a DynamoDB table'),
    ("training:", 1, "training is null. Give a mapping"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "column", "words"), WRONG)
def test_a_wrong_parameter_is_named_with_its_place(tmp_path: Path, text: str, column: int, words: str) -> None:
    path = written(tmp_path, f"# a comment\n{text}\n")
    with pytest.raises(ParameterError) as caught:
        load_project(path)
    assert str(caught.value).startswith(f"{path}:2:{column}: {words}")


def test_all_mistakes_of_a_file_are_named_at_once(tmp_path: Path) -> None:
    texts = [text for text, _, _ in WRONG]
    by_name = {text.partition(":")[0]: text for text in texts}  # a key can be in the file once
    path = written(tmp_path, "\n".join(by_name.values()))
    with pytest.raises(ParametersError) as caught:
        load_project(path)
    first, *each = caught.value.lines
    assert first == f"{path} has {len(by_name)} mistakes:"
    assert [line.removeprefix(path).split(":")[1] for line in each] == [str(n + 1) for n in range(len(by_name))]


def test_overrides_are_checked() -> None:
    with pytest.raises(ParameterError, match=r"^options: log_time_zone is"):
        load_project(None, log_time_zone="Mars/Olympus")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"no\.yaml"):
        load_project(str(tmp_path / "no.yaml"))
