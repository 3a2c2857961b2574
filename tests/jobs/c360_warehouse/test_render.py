from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from common.errors import ParameterError
from jobs.c360_warehouse.config import Deployment
from jobs.c360_warehouse.database import Warehouse
from jobs.c360_warehouse.render import body, scripts
from jobs.c360_warehouse.statements import PROCEDURES, Statement, statements
from tests.jobs.c360_warehouse.loads import load
from tests.jobs.c360_warehouse.snapshots import Snapshot, day, event

DEPLOYMENT = Deployment("s3://lake/staging", "arn:aws:iam::123456789012:role/c360", database="LAKE")
SCRIPTS = scripts(DEPLOYMENT)
BODIES = {name: body(name) for name in PROCEDURES}
TEXTS = {**SCRIPTS, **BODIES}
LOAD = ("stage_snapshot", "publish_snapshot", "finish_load")


@cache
def unparsable(text: str) -> tuple[str, ...]:
    """What sqlfluff cannot read as SQL of Snowflake."""
    from sqlfluff.core import FluffConfig, Linter

    config = FluffConfig(overrides={"dialect": "snowflake", "large_file_skip_byte_limit": 0})
    return tuple(violation.desc() for violation in Linter(config=config).parse_string(text).violations)


@pytest.mark.slow
@pytest.mark.parametrize("name", TEXTS)
def test_all_that_is_rendered_is_sql_of_snowflake(name: str) -> None:
    # the parser takes $$...$$ for a text, so the bodies of procedures are read by themselves too
    assert unparsable(TEXTS[name]) == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("4_tasks.sql", "AFTER stage_snapshot", "AFTR stage_snapshot"),
        ("2_tables.sql", "ON TABLE", "ON TABL"),
        ("1_account.sql", "STORAGE_PROVIDER", "STORAGE_PROVDER"),
        ("stage_snapshot", "FOR batch IN batches DO", "FOR batch OF batches DO"),
        ("finish_load", "DROP TABLE IF EXISTS", "DROP TABL IF EXISTS"),
    ],
)
def test_the_parser_refuses_what_is_no_sql_of_snowflake(name: str, right: str, wrong: str) -> None:
    text = TEXTS[name]
    assert right in text
    assert unparsable(text.replace(right, wrong)) != ()


@pytest.mark.slow
def test_a_run_executes_the_statements_of_the_procedures_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(tmp_path, Snapshot(day(2), events=[event()]))
    executed = []
    execute = Warehouse.execute

    def recorded(self: Warehouse, text: str, values: dict[str, str] | None = None) -> list[dict[str, object]]:
        executed.append(text)
        return execute(self, text, values)

    monkeypatch.setattr(Warehouse, "execute", recorded)
    snapshot = Snapshot(day(3), events=[event()])
    load(tmp_path, snapshot)
    start = executed.index(statements("stage_snapshot")[0].text)
    expected = [text for name in LOAD for step in statements(name) for text in as_executed(step, snapshot)]
    assert executed[start : start + len(expected)] == expected


def as_executed(step: Statement, snapshot: Snapshot) -> list[str]:
    """A statement of a load of one file of each table; the copy once for each, by name of the table."""
    if step.kind != "copy":
        return [step.text]
    return [
        step.text.replace("{staged_table}", f"staged_{table}").replace(
            "{file_names}", f"'{table}/run={snapshot.run_id}/part-00000-of-1.parquet'"
        )
        for table in ("activity_logs", "customers", "plan_history", "plans")
    ]


@pytest.mark.parametrize("name", PROCEDURES)
def test_a_procedure_has_its_statements_byte_for_byte_in_their_order(name: str) -> None:
    text, place = SCRIPTS["3_procedures.sql"], SCRIPTS["3_procedures.sql"].index(f"PROCEDURE {name}()")
    for statement in statements(name):
        place = text.index(statement.text, place) + len(statement.text)
    assert "PROCEDURE" not in text[text.index(f"PROCEDURE {name}()") + 10 : place]


def test_what_is_put_into_a_quoted_text_needs_no_escape() -> None:
    assert not [
        step.name for name in PROCEDURES for step in statements(name) if step.kind == "copy" and "'" in step.text
    ]
    assert all("$$" not in text for text in BODIES.values())


def test_the_transaction_holds_no_statement_that_commits() -> None:
    texts = [step.text for step in statements("publish_snapshot")]
    inside = texts[texts.index("BEGIN TRANSACTION") + 1 : texts.index("COMMIT")]
    firsts = {re.sub(r"--.*\n", "", text).split()[0] for text in inside}
    assert firsts == {"INSERT", "DELETE", "SELECT", "UPDATE"}
    assert texts[-1] == "COMMIT"


def test_tasks_are_suspended_root_first_and_resumed_children_first() -> None:
    lines = [
        line for line in SCRIPTS["4_tasks.sql"].splitlines() if re.match("ALTER|CREATE|CALL|AFTER|FINAL|SCHED", line)
    ]
    assert lines == [
        "ALTER TASK IF EXISTS stage_snapshot SUSPEND;",
        "CREATE OR REPLACE TASK stage_snapshot",
        "SCHEDULE = 'USING CRON 30 4 * * * UTC'",
        "CALL stage_snapshot();",
        "CREATE OR REPLACE TASK publish_snapshot",
        "AFTER stage_snapshot",
        "CALL publish_snapshot();",
        "CREATE OR REPLACE TASK finish_load",
        "FINALIZE = stage_snapshot",
        "CALL finish_load();",
        "ALTER TASK finish_load RESUME;",
        "ALTER TASK publish_snapshot RESUME;",
        "ALTER TASK stage_snapshot RESUME;",
    ]


def test_tasks_have_properties_that_snowflake_knows() -> None:
    # the parser takes any name for a parameter of the session, like SCHEDUL
    found = set(re.findall(r"^(\w+) = ", SCRIPTS["4_tasks.sql"], re.MULTILINE))
    assert found == {"WAREHOUSE", "SCHEDULE", "ALLOW_OVERLAPPING_EXECUTION", "TIMEZONE", "FINALIZE"}


def test_the_parameters_are_in_the_scripts_and_no_marker_is_left() -> None:
    account = SCRIPTS["1_account.sql"]
    assert "STORAGE_ALLOWED_LOCATIONS = ('s3://lake/staging/')" in account
    assert "STORAGE_AWS_ROLE_ARN = 'arn:aws:iam::123456789012:role/c360'" in account
    assert "USE SCHEMA LAKE.WAREHOUSE" in SCRIPTS["2_tables.sql"]
    assert re.findall(r"\{\w+\}", "".join(SCRIPTS.values())) == [
        "{staged_table}",
        "{file_names}",
        "{staged_table}",
        "{file_names}",
    ]


@pytest.mark.parametrize(
    ("parameter", "value", "problem"),
    [
        ("staging", "/lake/staging", "no place that Snowflake reads"),
        ("aws_role_arn", "arn' ENABLED = FALSE", "no value of a script"),
        ("schema", "A.B", "no name of Snowflake"),
        ("cron", "* * * * *'; DROP", "no value of a script"),
        ("least_resolved_share", 1.5, "no share"),
    ],
)
def test_a_parameter_that_is_no_value_is_refused(parameter: str, value: object, problem: str) -> None:
    values = {"staging": "s3://lake/staging", "aws_role_arn": "arn:aws:iam::1:role/c360"}
    with pytest.raises(ParameterError, match=problem):
        Deployment(**values | {parameter: value})  # type: ignore[arg-type]
