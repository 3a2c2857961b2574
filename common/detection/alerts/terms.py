"""The words and the threshold of alerts, which command lines name in their help."""

from __future__ import annotations

ALERT_SCORE = 0.999
TRUE, FALSE, EXPECTED = "true", "false", "expected"
VERDICTS = (TRUE, FALSE, EXPECTED)
SCOPES = ("host", "segment")
