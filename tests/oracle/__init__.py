"""The oracle: every table of the lake computed a second time, in plain SQL, slowly and from the sessions themselves.

It shares no computing code with the jobs. Where a job works through slices, roll-ups or sketches, the oracle goes back
to the sessions of the look-back.
"""

from .baselines import fg_b
from .deltas import delta_host, delta_pair, pair_counts
from .deviations import fg_c
from .features import fg_a
from .prepare import prepare

__all__ = ["delta_host", "delta_pair", "fg_a", "fg_b", "fg_c", "pair_counts", "prepare"]
