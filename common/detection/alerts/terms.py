"""The words and the threshold of alerts, which command lines name in their help."""

from __future__ import annotations

ALERT_SCORE = 0.999
NEW, IN_PROGRESS, TRUE, FALSE, EXPECTED, CLOSED = STATUSES = (
    "new",
    "in-progress",
    "true",
    "false",
    "expected",
    "closed",
)
"""What people say of a case; `new` is also what nobody has said anything of."""

REPEATED = (FALSE, EXPECTED)
"""The statuses that hide later cases, too."""

PAIR, HOST, SEGMENT, BEHAVIOUR = SCOPES = ("pair", "host", "segment", "behaviour")
UNUSUAL = "the whole network is unusual"
"""What the note of a prediction says where its score was lowered for that."""
