"""Project parameters: defaults, files, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.config.project import ProjectParameters, load_project
from common.errors import ParameterError
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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("internal_cidr: 10.0.0.0/8", "internal_cidr"),
        ("internal_cidrs: [10.0.0.0/33]", "10.0.0.0/33"),
        ("internal_cidrs: 10.0.0.0/8", "internal_cidrs"),
        ("time_zone: Mars/Olympus", "Mars/Olympus"),
        ("working_hours: [17, 7]", "working_hours"),
        ("max_rejected_ratio: 1.5", "1.5"),
        ("max_rejected_ratio: none at all", "max_rejected_ratio"),
        ("allowed_lateness_minutes: -1", "-1"),
        ("horizons: {7d: 7}", "horizons.7d"),
        ("horizons: {7d: {days: 0, gap_days: 0}}", "days > 0"),
        ("- a list", "not a mapping"),
        ("a: [", "not valid YAML"),
        ("working_hours: [7, 17, 22]", "working_hours.*list of 2"),
        ("internal_cidrs: [1, 2]", "internal_cidrs is 1"),
        ("segments: {10.1.0.0/16: 7}", "segments.10.1.0.0/16 is 7"),
        ("redshift: {database: dev}", "lacks the project parameter redshift.iam_role_arn"),
        ("redshift: {database: dev, iam_role_arn: default, worksgroup: x}", "redshift.worksgroup"),
        ("redshift: {database: dev, iam_role_arn: me, workgroup_name: ndr}", "iam_role_arn is 'me'"),
        ("redshift: {database: dev, iam_role_arn: default}", "must name either a workgroup or a cluster"),
        ("redshift: {database: dev, iam_role_arn: default, cluster_identifier: c}", "no login for cluster c"),
        ("redshift: {database: dev, iam_role_arn: default, workgroup_name: w, schema: 'a; DROP'}", "redshift.schema"),
        ("redshift: {database: dev, iam_role_arn: default, workgroup_name: w, inventory_columns: {ip: a}}", "'ip'"),
        ("redshift: {database: dev, iam_role_arn: default, workgroup_name: w, poll_seconds: 0}", "poll_seconds"),
        ("publication: {s3_prefix: /here}", "publication.s3_prefix is '/here'"),
        ("staging_prefix: s3://b/it's", "staging_prefix"),
    ],
)
def test_wrong_parameters_are_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        load_project(written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"no\.yaml"):
        load_project(str(tmp_path / "no.yaml"))
