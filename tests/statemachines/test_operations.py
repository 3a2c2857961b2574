"""What the commands for schedules refuse before anything is asked of AWS."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from statemachines.cli import main
from statemachines.operations import ExpressionType


@pytest.mark.parametrize(
    ("given", "expression"),
    [
        ("0 2 * * ? *", "cron(0 2 * * ? *)"),
        ("cron(30  3 ? * MON *)", "cron(30 3 ? * MON *)"),
        ("rate(1 day)", "rate(1 day)"),
    ],
)
def test_an_expression_may_be_given_without_its_kind(given: str, expression: str) -> None:
    assert ExpressionType().convert(given, None, None) == expression


@pytest.mark.parametrize("given", ["0 2 * * *", "0 2 * * * *", "daily", "cron(0 2 * * ? *", "rate(soon)"])
def test_what_is_no_expression_is_refused(given: str) -> None:
    with pytest.raises(click.UsageError, match="is none"):
        ExpressionType().convert(given, None, None)


@pytest.mark.parametrize(
    "words",
    [
        ("rerun", "customer-360", "--job", "c", "--as-of", "2026-03-10"),
        ("rerun", "customer-360", "--job", "a", "--as-of", "2026-03-10", "--accept-shrink"),
        ("rerun", "other", "--job", "a", "--as-of", "2026-03-10"),
        ("backfill", "customer-360", "2026-03-10/2026-03-09"),
    ],
)
def test_a_wrong_run_is_a_usage_error(words: tuple[str, ...]) -> None:
    assert CliRunner().invoke(main, words).exit_code == 2
