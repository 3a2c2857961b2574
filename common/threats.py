"""Threats that firewalls report of the sessions of pairs."""

from __future__ import annotations

import numpy as np

from common.arrays import Flags, Integers

SEVERITIES = ("informational", "low", "medium", "high", "critical")
"""What firewalls call the severity of a threat, the least first; tables count them from 1 on."""
SEVERITY = "threat_severity"
"""The column of the highest severity of a pair's threats."""
SEVERE = "high"
"""From this severity on, a threat is evidence."""


def is_severe(severity: Integers) -> Flags:
    """Which severities, as tables count them, are evidence."""
    return np.asarray(severity > SEVERITIES.index(SEVERE))
