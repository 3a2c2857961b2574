from dataclasses import replace

import numpy as np
import pytest

from common.detection.members.feature_rarity import FeatureRarity
from common.detection.parameters import current_parameters

PARAMETERS = current_parameters()
NAN = np.nan


def test_a_group_counts_once_with_its_strongest_feature() -> None:
    training = np.tile(np.arange(99.0)[:, None], (1, 3)).astype(np.float32)
    member = FeatureRarity.fit(training, ("a1", "a2", "b"), {"a": ("a1", "a2"), "b": ("b",)}, PARAMETERS)
    found = member.contributions(np.array([[97, 200, 98]], dtype=np.float32))
    # a1: 2 rows at or above, a2: none, so 2 log10 units; b: 1 row, log10(100 / 2) = 1.699; both count
    assert member.sums(np.array([[97, 200, 98]], dtype=np.float32))[0] == pytest.approx(3.69897)
    # credit is what exceeds 1.699 - 1: 1.301 and 1
    assert found[0].tolist() == pytest.approx([0, 3.69897 * 1.30103 / 2.30103, 3.69897 / 2.30103])


def test_only_the_strongest_groups_count() -> None:
    parameters = replace(PARAMETERS, rarity=replace(PARAMETERS.rarity, strongest=1))
    names = ["a", "b", "c"]
    training = np.tile(np.arange(99.0)[:, None], (1, 3)).astype(np.float32)
    member = FeatureRarity.fit(training, tuple(names), {name: (name,) for name in names}, parameters)
    found = member.contributions(np.array([[50, 500, 98]], dtype=np.float32))
    # a: log10(100 / 50) = 0.301, b: 2, c: 1.699; only b counts, c is credited for being within 1 of it
    assert found[0].sum() == pytest.approx(2)
    assert found[0].tolist() == pytest.approx([0, 2 / 1.69897, 2 * 0.69897 / 1.69897])


def test_a_row_without_any_rarity_scores_zero() -> None:
    training = np.arange(99.0)[:, None].astype(np.float32)
    member = FeatureRarity.fit(training, ("a",), {"a": ("a",)}, PARAMETERS)
    assert member.contributions(np.array([[-1], [NAN]], dtype=np.float32)).tolist() == [[0], [0]]


def test_saved_member_finds_the_same() -> None:
    rng = np.random.default_rng(0)
    training = rng.gamma(1, 1, (500, 2)).astype(np.float32)
    member = FeatureRarity.fit(training, ("a", "b"), {"a": ("a",), "b": ("b",)}, PARAMETERS)
    again = FeatureRarity.from_dict(member.to_dict(), ("a", "b"), PARAMETERS.rarity)
    rows = rng.gamma(1, 3, (50, 2)).astype(np.float32)
    np.testing.assert_array_equal(again.contributions(rows), member.contributions(rows))


def test_scores_are_what_the_contributions_add_up_to_in_any_order_of_the_groups() -> None:
    rng = np.random.default_rng(0)
    names = [f"f{number}" for number in range(20)]
    training = rng.gamma(1, 1, (500, 20)).astype(np.float32)
    rows = rng.gamma(1, 2, (50, 20)).astype(np.float32)
    groups = {name: (name,) for name in names}
    member = FeatureRarity.fit(training, tuple(names), groups, PARAMETERS)
    turned = replace(member, groups=dict(reversed(groups.items())))
    np.testing.assert_array_equal(member.sums(rows), turned.sums(rows))
    np.testing.assert_allclose(member.contributions(rows).sum(axis=1), member.sums(rows))
