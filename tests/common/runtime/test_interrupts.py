"""SIGTERM and Ctrl-C end any command promptly, with their exit code, one line and no temporary folder."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from common.storage.places import PREFIX
from tests.commands import command_line
from tests.conftest import write_sessions
from tests.factories import random_sessions

CODES = {signal.SIGTERM: 143, signal.SIGINT: 130}
PROMPT_SECONDS = 10.0  # about one when the machine has nothing else to do
STUCK = """
import hashlib, sys
from pathlib import Path
from common.runtime.cli import report_errors
from common.storage.places import place

@report_errors
def main():
    with place(Path(sys.argv[1])):
        print("ready", file=sys.stderr, flush=True)
        {wait}

main()
"""
WAITS = {
    "a call that Python can interrupt": "import time; time.sleep(60)",
    "a call that Python cannot interrupt": "hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)",
    "a pool that waits for its workers": (
        "from concurrent.futures import ThreadPoolExecutor; import time\n"
        "        with ThreadPoolExecutor(1) as pool: pool.submit(time.sleep, 60)"
    ),
    "a destructor, where nothing can be raised": (
        "import time\n        type('Slow', (), {'__del__': lambda self: time.sleep(30)})()\n        time.sleep(30)"
    ),
    "an error that follows the signal": (
        "import time\n        try: time.sleep(60)\n        finally: raise OSError('the server is gone')"
    ),
}


def interrupted(process: subprocess.Popen[str], until: str, *numbers: signal.Signals) -> tuple[int, list[str], float]:
    """Exit code, lines and seconds from the first signal on, sent after the line of stderr that has the text."""
    assert process.stderr
    for line in process.stderr:
        if until in line:
            break
    began = time.monotonic()
    for number in numbers:
        process.send_signal(number)
        time.sleep(0.05 if len(numbers) > 1 else 0)
    rest = process.stderr.read()
    return process.wait(), [line for line in rest.splitlines() if not line.startswith("{")], time.monotonic() - began


@pytest.mark.slow
@pytest.mark.parametrize("wait", WAITS)
def test_whatever_the_main_thread_does(tmp_path: Path, wait: str) -> None:
    for number, code in CODES.items():
        command = [sys.executable, "-c", STUCK.format(wait=WAITS[wait]), str(tmp_path)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        found, lines, seconds = interrupted(process, "ready", number)
        assert (found, len(lines)) == (code, 1) and lines[0].startswith(f"error: interrupted by {number.name}."), lines
        assert seconds < PROMPT_SECONDS
        assert list(tmp_path.iterdir()) == []


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    wait = WAITS["a call that Python cannot interrupt"]
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK.format(wait=wait), str(tmp_path)], stderr=subprocess.PIPE, text=True
    )
    assert interrupted(process, "ready", signal.SIGINT, signal.SIGTERM)[0] == 130
    assert list(tmp_path.iterdir()) == []


def interrupt_stage(folder: Path, step: str, number: signal.Signals) -> None:
    """Interrupts a run of ndr-delta in a step of it, and checks how it ends."""
    sessions = random_sessions(2_000, seed=1, first="2026-03-10T13:10:00", hours=0.1)
    logs = write_sessions(pa.concat_tables([sessions, sessions]), folder / "logs.parquet")  # duplicates need parsing
    window = ("--window", "2026-03-10T13:08Z", "--max-rejected-ratio", "1")
    line = command_line("ndr-delta", *window, "--lake", folder / "lake", "--input", logs)
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    code, lines, seconds = interrupted(process, f'"{step}", "event": "started"', number)
    assert code == CODES[number], lines
    assert len(lines) == 1 and lines[0].startswith("error: interrupted"), lines
    assert seconds < PROMPT_SECONDS
    assert not list(folder.glob(f"lake/_scratch/{PREFIX}*"))


@pytest.mark.slow
@pytest.mark.parametrize(("step", "number"), [("parse", signal.SIGTERM), ("delta_pair", signal.SIGINT)])
def test_a_stage_with_a_running_engine(tmp_path: Path, step: str, number: signal.Signals) -> None:
    interrupt_stage(tmp_path, step, number)
