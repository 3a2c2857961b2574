import json
from pathlib import Path
from typing import Any

import pytest

from common.config.loader import build
from common.config.project import load_project
from common.config.training import EndpointParameters, TrainingParameters
from common.errors import ParameterError

ROLE = "arn:aws:iam::123456789012:role/ndr"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("min_coverage", 1.1), ("random_state", 2**31), ("random_state", -1), ("validation_share", 0.0),
        ("validation_share", 0.6), ("bootstraps", 0), ("tuning_blocks", 1), ("tuning_seconds", -1.0), ("max_rows", 10),
        ("promotion", "sometimes"), ("drift_feature_share", 2), ("min_rows", 0), ("tuning_trials", -1),
    ],
)  # fmt: skip
def test_values_out_of_range_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ParameterError, match=rf"^here: {name} is {json.dumps(value)}"):
        build(TrainingParameters, {name: value}, "here")


def test_the_group_is_read_from_the_project_parameters(tmp_path: Path) -> None:
    path = tmp_path / "parameters.yaml"
    path.write_text(
        f"training:\n  min_coverage: 0.5\n  endpoint: {{name: ndr, image: i, role_arn: '{ROLE}', instance_count: 2}}\n"
    )
    training = load_project(str(path)).training
    assert training.min_coverage == 0.5
    assert training.endpoint is not None
    assert (training.endpoint.name, training.endpoint.instance_count) == ("ndr", 2)
    assert training.max_rows == TrainingParameters().max_rows


def test_an_unknown_name_of_the_group_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "parameters.yaml"
    path.write_text("training: {min_coverag: 0.5}\n")
    with pytest.raises(ParameterError, match=r"training\.min_coverag"):
        load_project(str(path))


def test_only_settings_of_the_model_make_the_model() -> None:
    assert "max_rows" in TrainingParameters().of_model()
    assert not {"min_coverage", "promotion", "endpoint", "drift_score_psi"} & set(TrainingParameters().of_model())


@pytest.mark.parametrize(
    ("name", "value"),
    [("name", "-ndr"), ("name", "a" * 64), ("image", ""), ("role_arn", "me"), ("instance_type", "large"),
     ("instance_count", 0)],
)  # fmt: skip
def test_a_wrong_endpoint_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ParameterError, match=rf"^here: {name} is {json.dumps(value)}\. Give "):
        build(EndpointParameters, {"name": "ndr", "image": "i", "role_arn": ROLE} | {name: value}, "here")


def test_fewer_rows_than_the_least_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"^here: max_rows is 10, less than min_rows\. Give at least 500$"):
        build(TrainingParameters, {"max_rows": 10}, "here")
