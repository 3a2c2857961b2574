import numpy as np
import pytest

from common.arrays import Matrix
from common.detection.preprocessing import Preprocessor
from jobs.if_training.synthetic_anomalies import FAMILIES_MAX, Examination, examine
from tests.common.detection.synthetic import GROUPS, NAMES, PARAMETERS, structured
from tests.factories import SPEC


@pytest.fixture(scope="module")
def block() -> Matrix:
    return structured(300, 1)


@pytest.fixture(scope="module")
def examination(block: Matrix) -> Examination:
    return examine(
        block, Preprocessor.fit(block, NAMES, PARAMETERS.preprocessing), SPEC, rows=200, anomalies=60, seed=[1, 2]
    )


def test_rows_as_they_are_come_first_and_are_of_the_block(block: Matrix, examination: Examination) -> None:
    assert examination.synthetic.tolist() == [False] * 200 + [True] * 60
    known = {row.tobytes() for row in block}
    assert all(row.tobytes() in known for row in examination.ordinary)


def test_each_anomaly_differs_from_a_row_in_whole_families_only(examination: Examination) -> None:
    touched = []
    for made in examination.values[examination.synthetic]:
        same = (made == examination.ordinary) | (np.isnan(made) & np.isnan(examination.ordinary))
        base = examination.ordinary[np.argmax(same.sum(axis=1))]
        changed = ~((made == base) | (np.isnan(made) & np.isnan(base)))
        families = [name for name, columns in GROUPS.items() if changed[columns].any()]
        assert not changed[
            np.setdiff1d(np.arange(len(NAMES)), np.concatenate([GROUPS[name] for name in families]))
        ].any()
        touched.append(len(families))
    assert set(touched) == set(range(1, FAMILIES_MAX + 1))


def test_a_replaced_family_is_that_of_one_real_row(examination: Examination) -> None:
    columns = GROUPS["sessions_cnt"]
    real = {row[columns].tobytes() for row in examination.ordinary}
    assert all(row[columns].tobytes() in real for row in examination.values[examination.synthetic])


def test_anomalies_are_more_extreme_than_rows(examination: Examination) -> None:
    largest = np.stack([np.nanmean(examination.values[:, columns], axis=1) for columns in GROUPS.values()], axis=1)
    assert largest[examination.synthetic].max(axis=1).mean() > 1.15 * largest[~examination.synthetic].max(axis=1).mean()


def test_same_seed_same_rows(block: Matrix, examination: Examination) -> None:
    preprocessor = Preprocessor.fit(block, NAMES, PARAMETERS.preprocessing)
    again = examine(block, preprocessor, SPEC, rows=200, anomalies=60, seed=[1, 2])
    other = examine(block, preprocessor, SPEC, rows=200, anomalies=60, seed=[1, 3])
    np.testing.assert_array_equal(again.values, examination.values)
    assert not np.array_equal(other.values, examination.values, equal_nan=True)


def test_separation_of_perfect_and_useless_scores(examination: Examination) -> None:
    perfect = examination.separation(examination.synthetic.astype(float))
    assert (perfect.average_precision, perfect.roc_auc) == (1.0, 1.0)
    useless = examination.separation(np.zeros(len(examination.synthetic)))
    assert useless.roc_auc == 0.5
    assert useless.average_precision == pytest.approx(60 / 260)


def test_context_and_composites_are_never_replaced(examination: Examination) -> None:
    known = {name for columns in GROUPS.values() for name in np.array(NAMES)[columns]}
    apart = set(NAMES) - known
    assert apart == {*SPEC.context, *SPEC.composites, "anomaly_strength_core"}
