"""The connection to Redshift: what goes together, and which names are safe in SQL."""

from __future__ import annotations

from typing import Any

import pytest

from common.config.loader import build
from common.config.redshift import RedshiftParameters, check_identifier
from common.errors import ParameterError

LOGIN = {"database": "dev", "iam_role_arn": "default", "workgroup_name": "w"}
CLUSTER = {"workgroup_name": None, "cluster_identifier": "c"}


@pytest.mark.parametrize(
    "given", [{}, {"secret_arn": "s"}, CLUSTER | {"db_user": "u"}, CLUSTER | {"secret_arn": "s"}, {"schema": "cmdb"}]
)
def test_a_whole_login_is_taken(given: dict[str, Any]) -> None:
    found = build(RedshiftParameters, LOGIN | given, "here")
    assert found.schema_name == given.get("schema", "public")
    assert build(RedshiftParameters, found.given(), "here") == found


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"iam_role_arn": "me"}, 'iam_role_arn is "me". Give the ARN of a role, or default'),
        ({"database": ""}, 'database is "". Give a text that is not empty'),
        ({"worksgroup": "x"}, "worksgroup is unknown. Did you mean workgroup_name?"),
        ({"schema_name": "x"}, "schema_name is unknown. Did you mean schema?"),
        ({"schema": "a; DROP"}, 'schema is "a; DROP". Give a name of letters, digits and underscores'),
        ({"inventory_columns": {"ip": "a"}}, 'inventory_columns has the key "ip". Give host_ip or machine_name or'),
        ({"inventory_columns": {"host_ip": "a b"}}, 'inventory_columns.host_ip is "a b". Give a name of letters'),
        ({"poll_seconds": 0}, "poll_seconds is 0. Give a number above 0"),
        ({"poll_seconds": 901}, "poll_seconds is 901, longer than the timeout. Give at most 900"),
        ({"workgroup_name": None}, "the top level must name either a workgroup or a cluster"),
        ({"cluster_identifier": "c"}, "the top level must name either a workgroup or a cluster"),
        ({"db_user": "u"}, "the top level has db_user, but a workgroup has no database user"),
        ({"db_user": "u", "secret_arn": "s"}, "the top level has both secret_arn and db_user. Give one of them"),
        (CLUSTER, "the top level has no login for cluster c. Give secret_arn or db_user"),
    ],
)
def test_what_does_not_go_together_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError) as caught:
        build(RedshiftParameters, LOGIN | given, "here")
    assert str(caught.value).startswith(f"here: {words}")


@pytest.mark.parametrize("name", ["", "1a", "a b", 'a"', "a.b", "a\n", "x" * 128])
def test_what_is_no_identifier_is_refused(name: str) -> None:
    check_identifier("_a1", "table")
    with pytest.raises(ParameterError, match=r"^table is "):
        check_identifier(name, "table")
