from collections.abc import Sequence

import numpy as np
import pytest

from common.arrays import Matrix
from common.detection.parameters import current_parameters
from common.detection.preprocessing import Preprocessor
from common.errors import InputError, ModelError
from tests.types import Row

PARAMETERS = current_parameters().preprocessing
NAN = np.nan


def fit(**columns: Sequence[float | None]) -> tuple[Preprocessor, Matrix]:
    """A preprocessor of these columns, and their matrix."""
    matrix = np.array(list(columns.values()), dtype=np.float32).T
    return Preprocessor.fit(matrix, list(columns), PARAMETERS), matrix


def test_scaling_is_by_median_and_iqr() -> None:
    scaler, matrix = fit(a=[0, 1, 2, 3, 4])  # quartiles 1, 2, 3: median 2, IQR 2
    assert (scaler.medians[0], scaler.iqrs[0], scaler.scales[0]) == (2, 2, 2)
    assert scaler.transform(matrix).ravel().tolist() == [-1, -0.5, 0, 0.5, 1]


def test_scaled_values_are_clipped_at_six() -> None:
    scaler, _ = fit(a=[0, 1, 2, 3, 4])
    seen = scaler.transform(np.array([[100], [-100], [np.inf], [13.9]], dtype=np.float32))
    assert seen.ravel().tolist() == pytest.approx([6, -6, 6, (13.9 - 2) / 2])  # (100 - 2) / 2 = 49 and so on


def test_null_becomes_the_training_median() -> None:
    scaler, _ = fit(a=[0, 1, 2, 3, 4, NAN])  # null is left out of the statistics: median 2, IQR 2
    assert scaler.transform(np.array([[NAN], [2]], dtype=np.float32)).ravel().tolist() == [0, 0]
    assert scaler.iqrs[0] == 2


def test_without_an_iqr_the_scale_is_the_distance_from_the_median() -> None:
    scaler, matrix = fit(a=[0, 0, 0, 0, 0, 0, 0, 3, 4])  # mean square 25 / 9
    assert scaler.iqrs[0] == 0
    assert scaler.scales[0] == pytest.approx((25 / 9) ** 0.5)
    assert scaler.transform(matrix)[-1, 0] == pytest.approx(4 / (25 / 9) ** 0.5)


def test_useless_columns_are_dropped_with_the_reason() -> None:
    scaler, matrix = fit(
        null=[NAN] * 5,
        good=[1, 2, 3, 4, 5],
        infinite=[1, 2, 3, 4, np.inf],
        constant=[7] * 5,
        once=[7, 7, 7, 7, 8],
        twice=[7, 7, 7, 8, 9],
    )
    assert scaler.dropped == {
        "null": "all_null", "infinite": "non_finite", "constant": "near_constant", "once": "near_constant"
    }  # fmt: skip
    assert scaler.mask == ("good", "twice")
    assert scaler.columns.tolist() == [1, 5]
    assert scaler.transform(matrix).shape == (5, 2)


def test_one_row_in_ten_thousand_is_near_constant() -> None:
    values = np.zeros(40_000, dtype=np.float32)
    values[:3] = 1  # three of 40,000 is below one in 10,000, four is not
    with pytest.raises(InputError, match="no feature"):
        Preprocessor.fit(values[:, None], ["a"], PARAMETERS)
    values[3] = 1
    assert Preprocessor.fit(values[:, None], ["a"], PARAMETERS).mask == ("a",)


def test_the_matrix_is_left_alone() -> None:
    scaler, matrix = fit(a=[0, 1, 2, 3, NAN], b=[5, 6, 7, 9, 8])
    before = matrix.copy()
    scaler.transform(matrix)
    np.testing.assert_array_equal(matrix, before)


def test_saved_statistics_scale_the_same() -> None:
    scaler, matrix = fit(a=[0, 1, 2, 3, NAN], b=[5, 6, 7, 9, 8], c=[1] * 5)
    again = Preprocessor.from_dict(scaler.to_dict())
    np.testing.assert_array_equal(again.transform(matrix), scaler.transform(matrix))
    assert again.dropped == {"c": "near_constant"}


@pytest.mark.parametrize("wrong", [{"mask": ["b", "a"]}, {"mask": ["a", "x"]}, {"medians": [1.0]}])
def test_statistics_that_do_not_match_the_mask_are_refused(wrong: Row) -> None:
    scaler, _ = fit(a=[0, 1, 2, 3], b=[5, 6, 7, 9])
    with pytest.raises(ModelError, match=r"feature mask|the preprocessing"):
        Preprocessor.from_dict(scaler.to_dict() | wrong)
