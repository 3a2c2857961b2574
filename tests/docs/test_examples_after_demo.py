"""Every example of help and READMEs works after `make demo`: here, after one of a small office on the same dates."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generate.commands import ROOT
from localaws.cli.process import LocalAws
from tests.commands import call, command_line
from tests.docs.blocks import blocks
from tests.docs.test_examples import COMMANDS, READMES, command_lines, examples
from tests.localaws.running import lead_to

pytestmark = pytest.mark.slow
OFFICE = ("--start", "2026-03-09", "--days", "2", "--hosts", "10", "--intensity", "0.05")
A_WINDOW = "0.0104"
NOT_RUN = {
    "ndr-demo --lake demo/lake": "is what all others follow",
    "ndr-demo --input /path/to": "needs your logs",
    "ndr-spark ": "needs its image, where tests/images runs it",
    "ndr-privacy mask": "needs a key in the settings, as docs/privacy.md has one",
    "ndr-privacy unmask": "needs a key in the settings, as docs/privacy.md has one",
    "ndr-batches remove": "needs a mini-batch that is in no table",
    "ndr-models compare": "needs a second model, which tests/tools/models have",
    "ndr-models rollback": "needs a second model, which tests/tools/models have",
    "ndr-models export": "takes long; tests/tools/models run it",
    "ndr-statemachines start-project": "needs a bucket with days of logs, as tests/e2e/test_start_project.py has one",
    "ndr-statemachines rollback": "needs an earlier version, as docs/statemachines.md has one",
    "ndr-statemachines drift --environment": "needs that environment, as docs/operations.md has it",
    "ndr-statemachines restore table": "needs a table that is older, as docs/operations.md has one",
    "ndr-statemachines sign": "needs a key, as docs/operations.md has one",
    "ndr-settings check s3:": "needs a bucket of yours",
    "ndr-pipelines generate": "needs the SDK; make pipelines-check runs it",
    "ndr-pipelines start": "is cut short; docs/pipelines.md runs it whole",
    "ndr-manifest-builder": "needs an event of a bucket; tests/jobs/manifest_builder have some",
    "ndr-ndjson-to-parquet": "needs a manifest; tests/jobs/ndjson_to_parquet have some",
    "ndr-page --lake demo/lake --serve": "answers requests until it is ended; tests/tools/page ask it",
    "ndr-page --lake s3://acme-lake": "needs a lake in S3, as tests/e2e/test_handover.py has one",
    "ndr-alerts --lake s3://acme-lake": "needs a lake in S3, as tests/e2e/test_handover.py has one",
    "ndr-alerts --lake demo/lake --channel soc": "needs a webhook, as tests/tools/alerts have one",
    "ndr-alerts --lake demo/lake --channel chat": "needs a webhook, as tests/tools/alerts have one",
    "ndr-indicators import": "needs a list, as docs/analyst.md has one",
    "ndr-indicators expire": "needs an indicator, as docs/analyst.md has one",
    "ndr-indicators remove": "needs an indicator, as docs/analyst.md has one",
    "ndr-calendar --lake demo/lake --put": "needs a calendar, as docs/analyst.md has one",
    "ndr-feedback --lake demo/lake --allow-list": "needs a list, as docs/analyst.md has one",
    "ndr-cost --rates": "needs prices, as docs/operations.md has some",
    "ndr-canary": "needs more hosts at work, as tests/jobs/canary have some",
    "ndr-serve": "answers requests until it is ended; tests/jobs/serve ask it",
    "ndr-ingestion trace": "needs a file that has landed, as docs/ingestion.md has one",
    "ndr-ingestion release": "needs a file in quarantine, as docs/ingestion.md has one",
    "ndr-local ui": "answers requests until it is ended; tests/e2e/test_handover.py asks it",
    "ndr-local put": "needs files, as docs/ingestion.md has some",
    **{
        f"ndr-statemachines {verb} customer-360": "needs its stack, as tests/e2e/test_customer_360.py has one"
        for verb in ("schedules pause", "schedules resume", "schedules set", "rerun", "backfill")
    },
    "c360-validate": "needs zones with files, as docs/customer-360.md has them",
    "c360-clean": "needs an archive, as docs/customer-360.md has one",
    "c360-staging": "needs clean rows, as docs/customer-360.md has some",
    "c360-warehouse run": "needs a snapshot, as docs/customer-360.md has one",
    "c360-warehouse query": "needs a warehouse, as docs/customer-360.md has one",
    "c360-warehouse export-ranges": "needs a warehouse, as docs/customer-360.md has one",
}
CASE = re.compile(r"(?<=--case )[0-9a-f]{12}\b")
RUN = re.compile(r"\bRUN\b")
LATER = ("ndr-models rollback", "ndr-models promote", "--stage rollback", "ndr-local", "ndr-local down")
"""Words of the examples that come after the others, in this order: they need two models, or end the local AWS."""
LOWER = " --min-score 0.9"
"""What a small office needs to have a case in the few windows that are scored."""


def lines() -> list[str]:
    """The examples, each once, in the order in which the stages follow each other."""
    found = [epilog.removeprefix("Example: ") for name in COMMANDS for _, epilog in examples(name, COMMANDS[name])]
    for page in READMES:
        steps = (step for block in blocks(page) if block.kind == "run" for step in block.steps)
        found += [line for step in steps for line in step.command.splitlines() if line.startswith(("ndr-", "c360-"))]
    first = {name: place for place, name in enumerate(COMMANDS)}
    found.sort(key=lambda line: ([word in line for word in reversed(LATER)], first.get(line.split()[0], 0)))
    return list(dict.fromkeys(found))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The folder in which the demo ran, and what it printed on stdout; then the local AWS ends."""
    folder = tmp_path_factory.mktemp("after")
    run(folder, *command_line("ndr-simulate", "--out", "demo/scenario", *OFFICE))
    try:
        yield folder, run(folder, *command_line("ndr-demo", "--lake", "demo/lake", "--score-days", A_WINDOW))
    finally:
        subprocess.run(command_line("ndr-local", "down", "--home", folder / "demo" / "lake-aws"), check=False)


def run(folder: Path, *words: str) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture
def folder(made: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder, in which commands are called, with the variables of `ndr-local env`."""
    monkeypatch.chdir(made[0])
    lead_to(LocalAws.of(Path("demo/lake-aws")), monkeypatch)
    return made[0]


def test_the_demo_says_what_its_numbers_count(made: tuple[Path, str]) -> None:
    said = made[1].partition("What the numbers count\n")[2].partition("\n\n")[0]
    machines, addresses, scores = said.splitlines()
    assert machines.split(maxsplit=1) == ["19", "machines in the logs: 10 hosts and 9 servers"]
    scored, *of_them = (int(number) for number in re.findall(r"\d+", addresses))
    assert scored == sum(of_them) and 0 < of_them[0] <= 19
    code, output, error = call(COMMANDS["ndr-report"], "--lake", str(made[0] / "demo/lake"), "--json")
    assert code == 0, error
    found = json.loads(output)
    assert (scores.split()[0], scored) == (f"{found['rows']:,}", found["hosts"])
    assert ", 0 hidden by triage" in made[1] and (made[0] / "demo/page.html").is_file()


def test_what_the_demo_says_to_do_next_works(made: tuple[Path, str], folder: Path) -> None:
    said = made[1].partition("What to do next\n")[2].splitlines()
    typed = [line.partition("#")[0].strip() for line in said]
    assert typed.pop() == "make docs" and typed.pop().endswith("ndr-local down --home demo/lake-aws")
    assert len(typed) == 5
    for line in typed:
        run(folder, "bash", "-c", line)


def test_the_day_in_the_readme_works(folder: Path) -> None:
    (day,) = (block for block in blocks(ROOT / "README.md") if block.reason == "the tests run it after a demo")
    script = "\n".join(step.command for step in day.steps)
    before = current_model()
    run(folder, "bash", "-c", f"set -e; PATH={Path(command_line('x')[0]).parent}:$PATH\n{script}")
    assert current_model() == before
    assert another_model() != before


def run_here() -> list[object]:
    """The lines that are run; the demo of Customer 360 has tests of its own that each change runs."""
    wanted = [line for line in lines() if not line.startswith(tuple(NOT_RUN))]
    return [pytest.param(line, marks=pytest.mark.long) if line.startswith("c360-demo") else line for line in wanted]


@pytest.mark.parametrize("line", run_here())
def test_example(line: str, folder: Path) -> None:
    line = RUN.sub(lambda _: another_model(), line)
    if "ndr-models promote" in line:
        line += " --despite-gates"  # which refuse a model of so little traffic
    if CASE.search(line):
        line = CASE.sub(a_case(), line) + LOWER
    if re.search(r"[|&;$<>]", line):
        (folder / ".config/fish/conf.d").mkdir(parents=True, exist_ok=True)
        here = f"HOME={folder}; PATH={Path(command_line('x')[0]).parent}:$PATH"
        run(folder, "bash", "-c", f"set -o pipefail; {here}; {line}")
        return
    ((name, *words),) = command_lines(line)
    code, output, error = call(COMMANDS[name], *words)
    assert code == 0, f"{output[-1000:]}\n{error[-3000:]}"


def a_case() -> str:
    _, output, _ = call(COMMANDS["ndr-report"], "--lake", "demo/lake", "--cases", "--json", *LOWER.split())
    found: str = json.loads(output)["cases"][0]["case_id"]
    return found


def current_model() -> str:
    return next(run_id for run_id, status in models() if status == "current")


def another_model() -> str:
    return next(run_id for run_id, status in models() if status != "current")


def models() -> list[tuple[str, str]]:
    _, output, _ = call(COMMANDS["ndr-models"], "list", "--lake", "demo/lake", "--format", "json")
    return [(model["run_id"], model["status"]) for model in json.loads(output)]


@pytest.mark.parametrize("start", NOT_RUN)
def test_what_is_not_run_is_an_example(start: str) -> None:
    assert [line for line in lines() if line.startswith(start)]
