"""What the stages share; it knows no stage."""

import sys
from pathlib import Path

__version__ = "0.1.0"
RUN_VARIABLE = "NDR_RUN_ID"
"""The environment variable with the run that a command is part of."""

# a command, which imports for a second before it can catch
if sys.argv and Path(sys.argv[0]).name.startswith(("ndr-", "c360-")):
    from common.runtime.allocators import give_back
    from common.runtime.collection import leave_uncollected
    from common.runtime.interrupts import exit_at_signals

    exit_at_signals()
    give_back()
    leave_uncollected()
