"""Whoever changes files of a model gets an error or a score, and never a crash, a hang or code that runs."""

from __future__ import annotations

import os

import pytest

from tests.common.detection.registry.hostile_models import Fuzzed, fuzz, model_with_all_members, use

CASES = int(os.environ.get("NDR_FUZZED_MODELS", "40"))


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Fuzzed:
    return model_with_all_members(tmp_path_factory.mktemp("models"))


def test_a_model_that_nobody_changed_scores(fuzzed: Fuzzed) -> None:
    use(fuzzed)


@pytest.mark.slow
def test_changed_models_are_refused_or_score(fuzzed: Fuzzed) -> None:
    outcomes = fuzz(fuzzed, seed=0, count=CASES)
    assert outcomes.total() == CASES
    assert outcomes["refused"] > outcomes["scored"] > 0
    use(fuzzed)
