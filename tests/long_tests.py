"""The tests that take too long for each change: `make test-long`. Writes how they ended into docs/long-tests.md.

A part is a target of the Makefile; another one is a row of `PARTS`. A part that is not run keeps its row of the page.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.checkout import ROOT
from tests.torture.report import commit

PAGE = ROOT / "docs" / "long-tests.md"
BEGIN, END = "<!-- runs: begin -->\n", "<!-- runs: end -->\n"
HEAD = "| part | what it does | commit | day | took | ended |\n|---|---|---|---|---|---|\n"
PARTS = {
    "docs-long": "the commands in the documentation that take long, `make demo` among them",
    "long-cases": "more kills, orders and second opinions of what each change tests in a shorter way",
    "protocol": "schedules of manifest builders at random, which interleave, die and come late",
    "kills": "deployments, rollbacks and removals, killed at 20 random points and repeated",
    "permissions": "each role loses a permission on the local AWS, and what fails has to name it",
    "ingestion": "2,000 files from a bucket to Parquet, announced three times, a builder and a run killed",
    "checkov": "what is unsafe in the templates of the stacks, but for what is listed with a reason",
    "writers": "8 drivers of classic Spark, Sail and no engine commit to one table in S3 at once",
    "torture": "kills, schedules and damaged files at random: [Reliability](reliability.md)",
}
NEVER = "| - | - | - | not run yet |"


def main(names: Sequence[str]) -> int:
    """Runs the parts, of which none given means all; the number of those that failed."""
    if unknown := sorted(set(names) - set(PARTS)):
        print(f"error: {', '.join(unknown)} is no part. Choose from {', '.join(PARTS)}", file=sys.stderr)
        return 2
    at, chosen, failed = commit(ROOT), [name for name in PARTS if not names or name in names], 0
    for number, name in enumerate(chosen, start=1):
        print(f"== {number} of {len(chosen)}: make {name}", flush=True)
        began = time.monotonic()
        code = subprocess.run(["make", "--no-print-directory", name], cwd=ROOT, check=False).returncode
        record(PAGE, {name: result(at, time.monotonic() - began, code)})
        failed += code != 0
    return failed


def result(at: str, seconds: float, code: int) -> str:
    """The last four cells of a part's row: commit, day, minutes, and how it ended."""
    minutes = "under a minute" if seconds < 60 else f"{seconds / 60:.0f} min"
    ended = "passed" if code == 0 else f"**failed**, exit code {code}"
    return f"| `{at}` | {datetime.now(UTC):%Y-%m-%d} | {minutes} | {ended} |"


def record(page: Path, results: Mapping[str, str]) -> None:
    """Writes the results into the page; the other parts keep theirs."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    old, _, after = rest.partition(END)
    kept = {line.split("`")[1].removeprefix("make "): line for line in old.splitlines() if line.startswith("| `")}
    table = HEAD
    for name, what in PARTS.items():
        head = f"| `make {name}` | {what} "
        last = kept[name].rsplit(" | ", 4)[1:] if name in kept else []
        table += head + (results.get(name) or (f"| {' | '.join(last)}" if last else NEVER)) + "\n"
    page.write_text(f"{before}{BEGIN}{table}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
