"""Charts as paths of an SVG in a box of fixed size, which the macro of `charts.html.j2` draws; no scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, log10

WIDTH, HEIGHT = 420, 190
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 8, 36
TICKS = 5
DOT = 3.5


@dataclass(frozen=True)
class Axis:
    """The values from `low` to `high` along one side of a chart; `log` spaces equal ratios equally."""

    label: str
    low: float
    high: float
    log: bool = False

    @classmethod
    def of(cls, label: str, values: Sequence[float], log: bool = False) -> Axis:
        """The axis that holds all of the values, of which there is one at least; an empty one is made wider."""
        low, high = float(min(values)), float(max(values))
        return cls(label, low, high if high > low else low + (abs(low) or 1.0), log)

    def share(self, value: float) -> float:
        """How far along the axis the value is, from 0 to 1; values outside are at its ends."""
        place = [log10(each) if self.log else each for each in (self.low, max(value, self.low), self.high)]
        return min(1.0, (place[1] - place[0]) / (place[2] - place[0]))

    @property
    def ticks(self) -> list[float]:
        """A few round values on the axis, rising."""
        found = list(self._round_values())
        return found[:: ceil(len(found) / (TICKS + 1))] if found else [self.low, self.high]

    def _round_values(self) -> Iterator[float]:
        if self.log:
            powers = range(floor(log10(self.low)), ceil(log10(self.high)) + 1)
            values = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
            tens = [value for value in values[::3] if self.low <= value <= self.high]
            yield from tens if len(tens) > 2 else [value for value in values if self.low <= value <= self.high]
            return
        rough = (self.high - self.low) / TICKS
        step = next(step for factor in (1, 2, 5, 10) if (step := factor * 10.0 ** floor(log10(rough))) >= rough * 0.999)
        for number in range(ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9) + 1):
            yield round(number * step, 12)


@dataclass(frozen=True)
class Mark:
    """A path with the class that gives its colour, and its name in the legend."""

    style: str
    path: str
    name: str = ""


@dataclass(frozen=True)
class Chart:
    """What is drawn between two axes, with a caption that says what it shows."""

    caption: str
    x: Axis
    y: Axis
    marks: tuple[Mark, ...] = ()
    width = WIDTH
    height = HEIGHT
    left = LEFT
    end = WIDTH - RIGHT

    def with_marks(self, *marks: Mark) -> Chart:
        """The chart with these marks."""
        return Chart(self.caption, self.x, self.y, marks)

    def across(self, value: float) -> float:
        """The distance of a value of the x-axis from the left of the box."""
        return round(LEFT + self.x.share(value) * (WIDTH - LEFT - RIGHT), 1)

    def down(self, value: float) -> float:
        """The distance of a value of the y-axis from the top of the box."""
        return round(HEIGHT - BOTTOM - self.y.share(value) * (HEIGHT - TOP - BOTTOM), 1)

    def line(self, style: str, xs: Sequence[float], ys: Sequence[float], name: str = "") -> Mark:
        """A line through the points."""
        return Mark(style, "M" + "L".join(f"{self.across(x)} {self.down(y)}" for x, y in _pairs(xs, ys)), name)

    def bars(self, style: str, edges: Sequence[float], heights: Sequence[float], name: str = "") -> Mark:
        """A bar between each two edges, on the lower end of the y-axis."""
        foot = self.down(self.y.low)
        parts = [
            f"M{self.across(left)} {foot}V{self.down(height)}H{self.across(right)}V{foot}Z"
            for (left, right), height in zip(pairwise(edges), heights, strict=True)
        ]
        return Mark(style, "".join(parts), name)

    def dots(self, style: str, xs: Sequence[float], ys: Sequence[float], name: str = "") -> Mark:
        """A dot at each of the points."""
        arc = f"a{DOT} {DOT} 0 1 0 {2 * DOT} 0a{DOT} {DOT} 0 1 0 -{2 * DOT} 0"
        points = [f"M{self.across(x) - DOT:.1f} {self.down(y)}{arc}" for x, y in _pairs(xs, ys)]
        return Mark(style, "".join(points), name)


def _pairs(xs: Sequence[float], ys: Sequence[float]) -> Iterator[tuple[float, float]]:
    return ((float(x), float(y)) for x, y in zip(xs, ys, strict=True))
