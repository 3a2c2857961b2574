"""What a run of one window does for its lake when its own work is done: small files of an earlier day become one.

`ndr-maintain` does all of it each night. Where that does not run, the number of files, and with it what a window
costs, would grow without end.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from common.display import counted
from common.errors import NdrError
from common.runtime.output import message
from common.windows import Windows

if TYPE_CHECKING:
    from common.lake.lake import Lake

AFTER_MIDNIGHT = timedelta(hours=6)
"""When a day is a window's to keep up: by default, `ndr-maintain` begins at 03:30 UTC."""


def keep_up(lake: Lake, written: Iterable[str], window: Windows) -> None:
    """Puts some small files together, of the table of those written that has most of them in a day.

    Of days that `ndr-maintain` has been at by then, so that nothing is left to do where it runs. What fails is said and
    left as it is: the next window, or `ndr-maintain`, does it.
    """
    from common.lake.compaction import put_together, quick_group

    before = f"{window.start - AFTER_MIDNIGHT:%Y-%m-%d}"
    found = []
    for name in sorted(written):
        if "date" in lake.table(name).partitions:
            try:
                group = quick_group(lake, name, before)
            except NdrError as error:
                message(f"the files of {name} were left as they are: {error.problem}", "warning")
                continue
            if group:
                found.append((len(group.files), name, group))
    for files, name, group in sorted(found, key=lambda entry: (-entry[0], entry[1])):
        what = f"{counted(files, 'file')} of {name} of {group.partition['date']}"
        try:
            if put_together(lake, name, [group], lambda _: None):
                message(f"{what} became one: ndr-maintain has not done it")
                return
        except NdrError as error:
            message(f"{what} were left as they are: {error.problem}", "warning")
