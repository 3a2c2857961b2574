import pytest

from common.page.charts import Axis, Chart
from common.page.rendering import cut


@pytest.mark.parametrize(
    ("axis", "ticks"),
    [
        (Axis("x", 0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (Axis("x", 0.264, 0.281), [0.265, 0.27, 0.275, 0.28]),
        (Axis("x", 0, 672), [0, 200, 400, 600]),
        (Axis("x", -3, 2), [-3, -2, -1, 0, 1, 2]),
        (Axis("x", 0.00005, 1, log=True), [0.0001, 0.001, 0.01, 0.1, 1]),
        (Axis("x", 64, 512, log=True), [100, 200, 500]),
        (Axis("x", 0.21, 0.29, log=True), [0.21, 0.29]),
    ],
)
def test_ticks_are_round_and_few(axis: Axis, ticks: list[float]) -> None:
    assert axis.ticks == pytest.approx(ticks)


@pytest.mark.parametrize("values", [[3.0], [0.0, 0.0], [-2.0, -2.0]])
def test_an_axis_of_equal_values_has_a_length(values: list[float]) -> None:
    axis = Axis.of("x", values)
    assert (axis.share(values[0]), axis.share(axis.high)) == (0, 1)


def test_values_are_placed_between_the_edges() -> None:
    chart = Chart("a chart", Axis("x", 0, 10), Axis("y", 0, 100))
    # 52 on the left and 12 on the right of 420; 8 above and 36 below of 190
    assert [chart.across(value) for value in (0, 5, 10, 11)] == [52, 230, 408, 408]
    assert [chart.down(value) for value in (-1, 0, 50, 100)] == [154, 154, 81, 8]
    assert chart.line("line", [0, 10], [0, 100]).path == "M52.0 154.0L408.0 8.0"
    assert chart.bars("area", [0, 5, 10], [50, 100]).path == (
        "M52.0 154.0V81.0H230.0V154.0ZM230.0 154.0V8.0H408.0V154.0Z"
    )
    assert chart.dots("area", [5], [50]).path.startswith("M226.5 81.0a")


def test_ratios_are_placed_alike_on_a_logarithmic_axis() -> None:
    axis = Axis("x", 1, 10_000, log=True)
    assert [axis.share(value) for value in (0, 1, 100, 10_000)] == [0, 0, 0.5, 1]


def test_long_texts_are_cut() -> None:
    assert (cut("x" * 240), cut("x" * 241)) == ("x" * 240, "x" * 239 + "…")
