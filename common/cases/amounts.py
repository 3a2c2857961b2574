"""Numbers in readable form."""

from __future__ import annotations

from collections.abc import Callable, Iterable

UNITS = ("B", "kB", "MB", "GB", "TB")


def score(value: float) -> str:
    """The score with five decimals, cut rather than rounded so that only 1 reads as 1."""
    return f"{int(value * 1e5) / 1e5:.5f}"


def in_one_unit(values: Iterable[float]) -> Callable[[float], str]:
    """A notation of bytes that has the same unit for all: that of the largest of these values."""
    most = max(values, default=0)
    power = next((number for number in range(len(UNITS)) if most < 1000 ** (number + 1)), len(UNITS) - 1)

    def written(value: float) -> str:
        number = value / 1000**power
        least = "< 0.01" if 0 < abs(number) < 0.01 else ""
        return f"{least or f'{number:,.3g}'} {UNITS[power]}"

    return written


def amount(value: float | None, kind: str) -> str:
    """A value in the notation of its kind: counts with separators, bytes and seconds with units."""
    if value is None:
        return "unknown"
    if kind == "kilobytes":
        return amount(1000 * value, "bytes")
    if kind == "bytes":
        return in_one_unit([abs(value)])(value)
    if kind in ("count", "flag") and abs(value) >= 10:
        return f"{value:,.0f}"
    text = f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}"
    return {"seconds": f"{text} s", "entropy": f"{text} bit"}.get(kind, text)
