"""Sums made in one pass back in time, against sums of each window by itself."""

from collections.abc import Iterator

import numpy as np

from common.detection.pairs.day_sums import OF_DAY, PairSlices, day_sums
from common.detection.pairs.reading import GAPS, SUMS
from common.windows import WINDOW_SECONDS

DAY, FIRST, LAST, PAIRS = 6, 20, 31, 9


def drawn(seed: int) -> PairSlices:
    """Slices of all windows that count, several of some pairs in one window, as of several protocols."""
    rng = np.random.default_rng(seed)
    rows = 160
    window = np.sort(rng.integers(FIRST - DAY + 1, LAST + 1, rows))[::-1].astype(np.int32)
    begin = window.astype(np.int64) * WINDOW_SECONDS + rng.integers(0, 450, rows)
    quantities = {name: rng.integers(0, 50, rows) for name in (*SUMS, *GAPS)}
    quantities |= {"first_ts": begin, "last_ts": begin + rng.integers(0, 450, rows)}
    return PairSlices(rng.integers(0, PAIRS, rows).astype(np.int32), window, quantities)


def expected(slices: PairSlices, window: int, pair: int) -> dict[str, int]:
    """The sums of the day of one pair, slice by slice."""
    found = dict.fromkeys(OF_DAY, 0)
    last = None
    for number in range(window - DAY + 1, window + 1):
        rows = np.flatnonzero((slices.pair == pair) & (slices.window == number))
        if not len(rows):
            continue
        found["slices"] += 1
        for name in (*SUMS, *GAPS):
            found[name] += int(slices.quantities[name][rows].sum())
        begin, end = int(slices.quantities["first_ts"][rows].min()), int(slices.quantities["last_ts"][rows].max())
        gap = max(begin - last, 0) if last is not None else 0
        found["gap_s"] += gap
        found["gap_sq_s"] += gap**2
        last = end
    return found


def in_steps(slices: PairSlices) -> Iterator[PairSlices]:
    """The slices in steps of some windows, the last ones first, the windows of a step in any order."""
    for begin in range(LAST, FIRST - DAY, -4):
        mine = np.flatnonzero((slices.window <= begin) & (slices.window > begin - 4))[::-1]
        yield PairSlices(
            slices.pair[mine], slices.window[mine], {name: values[mine] for name, values in slices.quantities.items()}
        )


def test_each_window_has_the_sums_of_its_day() -> None:
    slices = drawn(3)
    found = list(day_sums(in_steps(slices), PAIRS, FIRST, LAST, DAY))
    windows = sorted({int(window) for window in slices.window if window >= FIRST}, reverse=True)
    assert [part.window for part in found] == windows
    for part in found:
        here = slices.window == part.window
        assert part.pair.tolist() == sorted(set(slices.pair[here].tolist()))
        for place, pair in enumerate(part.pair):
            assert {name: int(part.day[name][place]) for name in OF_DAY} == expected(slices, part.window, pair)
            for name in SUMS:
                assert part.now[name][place] == slices.quantities[name][here & (slices.pair == pair)].sum()
