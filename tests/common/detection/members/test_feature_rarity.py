import numpy as np
import pytest

from common.detection.members import feature_rarity
from common.detection.members.feature_rarity import EvidenceMember, Tail

NAN = np.nan


def test_evidence_is_the_log_of_the_tail() -> None:
    tail = Tail.fit(np.arange(1.0, 100.0))  # 1 to 99
    # at or above: 99 -> 1 row, 98 -> 2, 1 -> all 99; above the maximum none: log10((99 + 1) / (count + 1))
    assert tail.evidence(np.array([1.0, 98.0, 99.0, 500.0])).tolist() == pytest.approx(
        [0.0, np.log10(100 / 3), np.log10(100 / 2), 2.0]
    )


def test_evidence_below_the_minimum_or_without_a_value_is_zero() -> None:
    tail = Tail.fit(np.array([1.0, 2.0, 3.0, NAN]))
    assert tail.evidence(np.array([0.0, NAN])).tolist() == [0, 0]
    assert tail.rows == 4


def test_a_feature_that_was_always_null_gives_no_evidence() -> None:
    assert Tail.fit(np.array([NAN, NAN])).evidence(np.array([5.0, NAN])).tolist() == [0, 0]


def test_a_feature_that_was_always_zero_gives_evidence_when_it_is_not() -> None:
    assert Tail.fit(np.zeros(999)).evidence(np.array([0.0, 1.0])).tolist() == pytest.approx([0, 3])


def test_evidence_is_bounded() -> None:
    assert Tail.fit(np.zeros(10**6)).evidence(np.array([1.0]))[0] == feature_rarity.DECADES_MAX


def test_a_group_counts_once_with_its_strongest_feature() -> None:
    training = np.tile(np.arange(99.0)[:, None], (1, 3)).astype(np.float32)
    member = EvidenceMember.fit(training, ["a1", "a2", "b"], {"a": ("a1", "a2"), "b": ("b",)})
    found = member.contributions(np.array([[97, 200, 98]], dtype=np.float32), ["a1", "a2", "b"])
    # a1: 2 rows at or above, a2: none, so 2 decades; b: 1 row, log10(100 / 2) = 1.699 decades; both count
    assert member.scores(np.array([[97, 200, 98]], dtype=np.float32), ["a1", "a2", "b"])[0] == pytest.approx(3.69897)
    # credit is what exceeds 1.699 - 1: 1.301 and 1
    assert found[0].tolist() == pytest.approx([0, 3.69897 * 1.30103 / 2.30103, 3.69897 / 2.30103])


def test_only_the_strongest_groups_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_rarity, "STRONGEST", 1)
    names = ["a", "b", "c"]
    training = np.tile(np.arange(99.0)[:, None], (1, 3)).astype(np.float32)
    member = EvidenceMember.fit(training, names, {name: (name,) for name in names})
    found = member.contributions(np.array([[50, 500, 98]], dtype=np.float32), names)
    # a: log10(100 / 50) = 0.301 decades, b: 2, c: 1.699; only b counts, c is credited for being within a decade of it
    assert found[0].sum() == pytest.approx(2)
    assert found[0].tolist() == pytest.approx([0, 2 / 1.69897, 2 * 0.69897 / 1.69897])


def test_a_row_without_evidence_scores_zero() -> None:
    training = np.arange(99.0)[:, None].astype(np.float32)
    member = EvidenceMember.fit(training, ["a"], {"a": ("a",)})
    assert member.contributions(np.array([[-1], [NAN]], dtype=np.float32), ["a"]).tolist() == [[0], [0]]


def test_saved_member_finds_the_same() -> None:
    rng = np.random.default_rng(0)
    training = rng.gamma(1, 1, (500, 2)).astype(np.float32)
    member = EvidenceMember.fit(training, ["a", "b"], {"a": ("a",), "b": ("b",)})
    again = EvidenceMember.from_dict(member.to_dict())
    rows = rng.gamma(1, 3, (50, 2)).astype(np.float32)
    np.testing.assert_array_equal(again.contributions(rows, ["a", "b"]), member.contributions(rows, ["a", "b"]))


def test_scores_are_what_the_contributions_add_up_to_in_any_order_of_the_groups() -> None:
    rng = np.random.default_rng(0)
    names = [f"f{number}" for number in range(20)]
    training = rng.gamma(1, 1, (500, 20)).astype(np.float32)
    rows = rng.gamma(1, 2, (50, 20)).astype(np.float32)
    groups = {name: (name,) for name in names}
    member = EvidenceMember.fit(training, names, groups)
    turned = EvidenceMember(dict(reversed(groups.items())), member.tails)
    np.testing.assert_array_equal(member.scores(rows, names), turned.scores(rows, names))
    np.testing.assert_allclose(member.contributions(rows, names).sum(axis=1), member.scores(rows, names))
