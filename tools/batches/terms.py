"""The states of a mini-batch, which the help names."""

from __future__ import annotations

INCLUDED, ASIDE, FAILED, ANNOUNCED, UNFINISHED = "included", "set-aside", "failed", "announced", "unfinished"
STATES = {
    INCLUDED: "in the last publication of its window",
    ASIDE: "left out of its window, which fails with it",
    FAILED: "its execution failed; the next run of its window takes it along",
    ANNOUNCED: "an execution works on its window",
    UNFINISHED: "nobody works on its window",
}
