"""The scripts that deploy the warehouse: the statements, and the procedures and tasks that are made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jobs.c360_warehouse.config import Deployment
from jobs.c360_warehouse.statements import PROCEDURES, WITH_FAILURE, Statement, statements

_DECLARED = """\
DECLARE
    outcome VARCHAR DEFAULT NULL;
    reason VARCHAR DEFAULT NULL;
    copy_statement VARCHAR DEFAULT NULL;
    batches RESULTSET;
    refused EXCEPTION (-20001, 'The snapshot is refused: load_log says why');
"""


def scripts(deployment: Deployment) -> Mapping[str, str]:
    """The scripts by name, to be run in this order; each can be run again.

    Tasks are suspended, root first, before they are replaced, and resumed, children first, since a task that is
    replaced is suspended, and a root that runs cannot get children.
    """
    values = deployment.values
    session = [f"USE ROLE {deployment.loader_role}", f"USE SCHEMA {deployment.database}.{deployment.schema}"]
    return {
        "1_account.sql": _script(["USE ROLE ACCOUNTADMIN", *_filled("account", values)]),
        "2_tables.sql": _script(
            [*session, *_filled("stage", values), *_filled("tables", values), *_filled("reading", values)]
        ),
        "3_procedures.sql": _script(session + [procedure(name) for name in PROCEDURES]),
        "4_tasks.sql": _script(session + _filled("tasks", values)),
    }


def procedure(name: str) -> str:
    """The statement that makes a procedure of the statements of its folder."""
    return (
        f"CREATE OR REPLACE PROCEDURE {name}()\nRETURNS VARCHAR\nLANGUAGE SQL\nEXECUTE AS OWNER\nAS\n$$\n{body(name)}$$"
    )


def body(name: str) -> str:
    """What a procedure does, in Snowflake Scripting: a statement of it is there byte for byte."""
    steps = "\n".join(map(_step, statements(name)))
    failure = _on_failure() if name in WITH_FAILURE else ""
    return f"{_DECLARED if failure else ''}BEGIN\n{steps}\n    RETURN '{name}: done';\n{failure}END;\n"


def _step(statement: Statement) -> str:
    text = statement.text
    match statement.kind:
        case "return_if":
            return _if_not_null("outcome", text, "RETURN outcome")
        case "fail_if":
            return _if_not_null("reason", text, "RAISE refused")
        case "for_each":
            return f"    batches := (\n{text}\n    );"
        case "copy":
            return (
                f"    FOR batch IN batches DO\n        copy_statement := '{text}';\n"
                "        copy_statement := REPLACE(copy_statement, '{staged_table}', batch.staged_table);\n"
                "        copy_statement := REPLACE(copy_statement, '{file_names}', batch.file_names);\n"
                "        EXECUTE IMMEDIATE :copy_statement;\n    END FOR;"
            )
        case "run":
            return f"{text};"


def _if_not_null(variable: str, text: str, action: str) -> str:
    return f"    {variable} := (\n{text}\n    );\n    IF ({variable} IS NOT NULL) THEN\n        {action};\n    END IF;"


def _on_failure() -> str:
    logged = "\n".join(map(_step, statements("failure")))
    return f"EXCEPTION\n    WHEN OTHER THEN\n        reason := COALESCE(reason, SQLERRM);\n{logged}\n        RAISE;\n"


def _filled(folder: str, values: Mapping[str, str]) -> list[str]:
    return [statement.filled(dict(values)) for statement in statements(folder)]


def _script(texts: Sequence[str]) -> str:
    return "".join(f"{text};\n\n" for text in texts).rstrip("\n") + "\n"
