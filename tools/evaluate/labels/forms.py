"""The forms of labels by their names, of which the command line knows nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools.evaluate.labels.flows import FLOWS, read_flows
from tools.evaluate.labels.intervals import read_intervals
from tools.evaluate.labels.labelled import Labelled
from tools.evaluate.labels.lanl import read_red_team


def read_form(form: str, paths: Sequence[Path], zone: str) -> Labelled:
    """The labels of files of that form; local times without an offset are of the zone, unless the data set has one.

    Raises:
        InputError: a file cannot be read, or is of another form.
    """
    if form == "lanl":
        return read_red_team(paths)
    return read_intervals(paths, zone) if form == "intervals" else read_flows(FLOWS[form], paths, zone)
