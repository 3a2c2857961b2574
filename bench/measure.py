"""Timing and peak memory of whole processes, and a description of the machine."""

from __future__ import annotations

import compileall
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from time import monotonic
from typing import Any

SAMPLING_SECONDS = 0.05
PAGE = os.sysconf("SC_PAGE_SIZE")
PACKAGES = ("pysail", "pyspark-client", "deltalake", "pyarrow", "numpy", "duckdb")
GIB = 1 << 30
ROOT = Path(__file__).parents[1]
CHECKOUT = ("bench", "common", "jobs", "localaws", "pipelines", "statemachines", "tools")


@dataclass(frozen=True)
class Run:
    """One process or several in sequence: wall-clock and processor seconds, peak memory, run reports.

    `marks` are the processor seconds after each report, to the nearest sample.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    reports: list[dict[str, Any]] = field(default_factory=list)
    marks: list[float] = field(default_factory=list)

    @classmethod
    def joined(cls, runs: Sequence[Run]) -> Run:
        """Several runs in sequence as one."""
        return cls(
            sum(run.seconds for run in runs),
            sum(run.cpu_seconds for run in runs),
            max(run.peak_bytes for run in runs),
            [report for run in runs for report in run.reports],
        )

    @property
    def steps(self) -> dict[str, float]:
        """The seconds of each reported step."""
        found: dict[str, float] = {}
        for report in self.reports:
            steps = report.get("steps", {})
            named = steps.items() if isinstance(steps, dict) else ((entry["step"], entry["seconds"]) for entry in steps)
            found |= {f"{report.get('stage', '')} {name}": seconds for name, seconds in named}
        return found

    def figures(self) -> dict[str, Any]:
        """The run as JSON."""
        return {
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
            "peak_bytes": self.peak_bytes,
            "steps": self.steps,
        }


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Run:
    """Runs a command, and measures it.

    The peak is the larger of the kernel's figure for the process and of samples over all processes of its session
    (classic Spark has several). Keep the calling process small, because the kernel's figure starts from its size.

    Raises:
        SystemExit: the command failed; the message has the end of its stderr.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        began = monotonic()
        child = subprocess.Popen(
            command, stdout=out, stderr=errors, env={**os.environ, **(environment or {})}, start_new_session=True
        )
        sampler = _Sampler(child.pid, out.fileno())
        sampler.start()
        _, status, usage = os.wait4(child.pid, 0)
        seconds = monotonic() - began
        sampler.stop()
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            errors.seek(0)
            tail = errors.read()[-2000:].decode(errors="replace")
            raise SystemExit(f"{' '.join(command)} failed with exit code {child.returncode}:\n{tail}")
        out.seek(0)
        reports = [json.loads(line) for line in out.read().decode().splitlines() if line.startswith('{"')]
    peak = max(usage.ru_maxrss * 1024, sampler.peak)
    return Run(seconds, max(usage.ru_utime + usage.ru_stime, sampler.cpu_seconds), peak, reports, sampler.marks)


class _Sampler(threading.Thread):
    """Samples the memory and processor time of all processes of a session, whose reports go to an open file."""

    def __init__(self, session: int, out: int) -> None:
        super().__init__(daemon=True)
        self.session, self._out, self._written = session, out, 0
        self.peak = 0
        self.marks: list[float] = []
        self._ticks: dict[int, int] = {}
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(SAMPLING_SECONDS):
            self.peak = max(self.peak, sum(self._resident()))
            self._mark()

    def stop(self) -> None:
        self._stopped.set()
        self.join()
        self._mark()

    def _mark(self) -> None:
        """Notes the processor seconds once for each report that was written since."""
        written = os.pread(self._out, os.fstat(self._out).st_size, self._written)
        whole = written[: written.rfind(b"\n") + 1]
        self._written += len(whole)
        self.marks += [self.cpu_seconds for line in whole.splitlines() if line.startswith(b'{"')]

    @property
    def cpu_seconds(self) -> float:
        """The processor seconds of all processes seen, as of the last sample of each."""
        return sum(self._ticks.values()) / os.sysconf("SC_CLK_TCK")

    def _resident(self) -> Iterable[int]:
        for entry in os.scandir("/proc"):
            if not entry.name.isdigit():
                continue
            try:
                values = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(values[3]) == self.session:
                self._ticks[int(entry.name)] = int(values[11]) + int(values[12])
                yield int(values[21]) * PAGE


def median(values: Iterable[float]) -> float:
    return round(statistics.median(values), 3)


def summary(runs: Sequence[Run]) -> dict[str, Any]:
    """The medians of the runs, their highest peak, and each run."""
    return {
        "seconds": median(run.seconds for run in runs),
        "cpu_seconds": median(run.cpu_seconds for run in runs),
        "peak_gib": round(max(run.peak_bytes for run in runs) / GIB, 2),
        "steps": {name: median(run.steps.get(name, 0) for run in runs) for name in runs[0].steps},
        "runs": [run.figures() for run in runs],
    }


def compile_checkout() -> None:
    """Compiles this checkout, as images are, so that no run compiles what it imports.

    Python does so by itself unless `PYTHONDONTWRITEBYTECODE` is set.
    """
    for package in CHECKOUT:
        compileall.compile_dir(ROOT / package, quiet=1)


def fresh_copy(lake: Path, copy: Path) -> Path:
    """A copy of a lake with hard links, which is safe because lakes never modify files."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(lake, copy, copy_function=os.link)
    return copy


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of this repository."""
    return [sys.executable, "-m", module, *arguments]


def machine() -> dict[str, Any]:
    """The machine: cores, memory, versions and current load."""
    pages = os.sysconf("SC_PHYS_PAGES") * PAGE
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(pages / GIB, 1),
        "processor": _processor(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in PACKAGES},
        "load_average": [round(value, 2) for value in os.getloadavg()],
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
