"""Every expression of the state machines is evaluated, on two JSONata engines that agree."""

from __future__ import annotations

import pytest

from statemachines.lint.expressions import expressions_in
from tests.statemachines.machines.cases import cases, engines
from tests.statemachines.machines.jsonata_engines import NodeEngine, QueryError, has_node
from tests.statemachines.machines.samples import (
    DEFINITIONS,
)


def test_the_engine_that_aws_documents_is_used_where_node_is() -> None:
    if not has_node():
        pytest.skip("node or its packages are not here: make statemachines-expressions installs them")
    assert len(engines().engines) == 2


@pytest.mark.slow
@pytest.mark.parametrize("machine", DEFINITIONS)
def test_every_expression_is_evaluated_and_the_engines_agree(machine: str) -> None:
    cases(machine)  # raises where they do not
    missed = {path for path, text in expressions_in(DEFINITIONS[machine]) if text not in engines().evaluated}
    assert missed == set()


@pytest.mark.slow
@pytest.mark.parametrize("text", ["$states.input.x ?? 1", "$states.input.x ?: 1", "$toMillis('2026-03-10T13:08Z')"])
def test_the_engine_that_aws_documents_knows_nothing_newer(text: str) -> None:
    if not has_node():
        pytest.skip("node or its packages are not here: make statemachines-expressions installs them")
    engine = NodeEngine()
    with pytest.raises(QueryError):
        engine.evaluate(text, {}, {"input": {"x": 2}})
    engine.close()
