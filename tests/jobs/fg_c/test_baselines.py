import numpy as np

from common.arrays import Floats
from jobs.fg_c.baselines import SOURCES, Baselines, Packed, combine
from jobs.fg_c.deviations import slice_count
from tests.factories import SPEC

SLICES, METRICS = slice_count(SPEC), len(SPEC.deviation_metrics)


def packed(medians: dict[str, float], cold: dict[str, list[int]]) -> Packed:
    """Subjects with one median everywhere, scale 1, and some cold slices."""
    usable = np.ones((SLICES, len(medians)), dtype=np.bool_)
    for number, subject in enumerate(medians):
        usable[cold.get(subject, []), number] = False
    values = np.tile(np.array(list(medians.values())), (SLICES * METRICS, 1))
    return Packed(list(medians), usable, values, np.ones_like(values))


def medians_of(baselines: Baselines, subject: str) -> Floats:
    """The median of each slice: the first metric of it."""
    return baselines.medians[::METRICS, baselines.rows[subject]]


ALL = list(range(SLICES))


def test_cold_slices_of_a_host_are_those_of_its_segment_unless_that_is_cold_too() -> None:
    hosts = packed({"day|s1|h1": 10.0, "day|s1|h2": 11.0, "day|s2|h3": 12.0}, {"day|s1|h1": [0, 1], "day|s2|h3": ALL})
    segments = packed({"day|s1": 20.0}, {"day|s1": [1]})
    found = combine(SPEC, hosts, segments)
    np.testing.assert_array_equal(medians_of(found, "day|s1|h1"), [20.0, np.nan, *[10.0] * (SLICES - 2)])
    np.testing.assert_array_equal(medians_of(found, "day|s1|h2"), [11.0] * SLICES)
    assert np.isnan(medians_of(found, "day|s2|h3")).all()
    np.testing.assert_array_equal(medians_of(found, "day|s1"), [20.0, np.nan, *[20.0] * (SLICES - 2)])
    assert [SOURCES[source] for source in found.sources] == ["segment", "host", "none", "segment", "none"]


def test_a_band_in_which_nobody_has_a_baseline() -> None:
    found = combine(SPEC, packed({}, {}), packed({}, {}))
    assert found.medians.shape == (SLICES * METRICS, 1)
    assert np.isnan(found.medians).all()
    assert SOURCES[found.sources[0]] == "none"
