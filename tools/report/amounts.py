"""Numbers in readable form."""

from __future__ import annotations


def score(value: float) -> str:
    """The score with five decimals, cut rather than rounded so that only 1 reads as 1."""
    return f"{int(value * 1e5) / 1e5:.5f}"


def amount(value: float | None, kind: str) -> str:
    """A value in the notation of its kind: counts with separators, bytes and seconds with units."""
    if value is None:
        return "unknown"
    if kind == "bytes":
        for unit in ("B", "kB", "MB", "GB"):
            if abs(value) < 1000:
                return f"{value:.3g} {unit}"
            value /= 1000
        return f"{value:.3g} TB"
    if kind in ("count", "flag") and abs(value) >= 10:
        return f"{value:,.0f}"
    text = f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}"
    return {"seconds": f"{text} s", "entropy": f"{text} bit"}.get(kind, text)
