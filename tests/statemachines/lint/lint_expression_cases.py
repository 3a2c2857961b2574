"""Definitions with wrong expressions and fields, and the problems that they have; states in which there is none."""

from __future__ import annotations

from tests.statemachines.lint.lint_cases import CATCH, DONE, choice, machine, passing, task

STATES = {
    "a result in the arguments": (
        machine(A=task(Arguments={"Key": "{% $states.result.x %}"}, End=True)),
        ["A.Arguments.Key: uses $states.result, which does not exist here"],
    ),
    "a result in a Pass": (
        machine(A=passing(Assign={"x": "{% $states.result %}"})),
        ["A.Assign.x: uses $states.result, which does not exist here"],
    ),
    "a result in a Choice": (
        machine(A=choice({"Condition": "{% $states.result = 1 %}", "Next": "Done"}), Done=DONE),
        ["A.Choices[0].Condition: uses $states.result, which does not exist here"],
    ),
    "a result in a Succeed": (
        machine(A={"Type": "Succeed", "Output": "{% $states.result %}"}),
        ["A.Output: uses $states.result, which does not exist here"],
    ),
    "a result in a catcher": (
        machine(A=task(Catch=[{**CATCH, "Assign": {"x": "{% $states.result %}"}}], Next="Done"), Done=DONE),
        ["A.Catch[0].Assign.x: uses $states.result, which does not exist here"],
    ),
    "an error outside of a catcher": (
        machine(A=task(Output="{% $states.errorOutput %}", End=True)),
        ["A.Output: uses $states.errorOutput, which does not exist here"],
    ),
    "a field that $states does not have": (
        machine(A=passing(Output="{% $states.outputs %}")),
        ["A.Output: uses $states.outputs, which does not exist here"],
    ),
}

EXPRESSIONS = {
    "the coalescing operator": (
        machine(A=passing(Output="{% $states.input.x ?? 1 %}")),
        ["A.Output: uses ??, which JSONata 2.0.6 does not have"],
    ),
    "the default operator": (
        machine(A=passing(Output="{% $states.input.x ?: 1 %}")),
        ["A.Output: uses ?:, which JSONata 2.0.6 does not have"],
    ),
    "both after a division and a string": (
        machine(A=passing(Output="{% $states.input.x / 2 ?: $states.input.y / '/' ?? 1 %}")),
        ["A.Output: uses ?: and ??, which JSONata 2.0.6 does not have"],
    ),
    "no expression": (
        machine(A=passing(Output="{% $states.input( %}")),
        ["A.Output: is not JSONata: "],
    ),
    "a function that does not exist": (
        machine(A=passing(Output="{% $median($states.input) %}")),
        ["A.Output: calls $median, which Step Functions does not have"],
    ),
    "$eval": (
        machine(A=passing(Output="{% $eval($states.input) %}")),
        ["A.Output: calls $eval, which Step Functions does not have"],
    ),
    "the input document": (
        machine(A=passing(Output="{% $.x %}")),
        ["A.Output: uses $ of the input document, which AWS does not provide: use $states.input"],
    ),
    "the input document inside a filter": (
        machine(A=passing(Output="{% $states.input.x[$ = $$.y] %}")),
        ["A.Output: uses $$ of the input document, which AWS does not provide: use $states.input"],
    ),
    "a bare name": (
        machine(A=passing(Output="{% $states.input.x & total.y %}")),
        ["A.Output: uses total of the input document, which AWS does not provide: use $states.input"],
    ),
    "a bare name in a function": (
        machine(A=passing(Output="{% $map($states.input.x, function($v) { $v & y }) %}")),
        ["A.Output: uses y of the input document, which AWS does not provide: use $states.input"],
    ),
    "an expression inside a text": (
        machine(A=passing(Output={"x": ["no {% $states.input %}"]})),
        ["A: Output.x[0] is 'no {% $states.input %}': an expression is the whole text, from {% to %}"],
    ),
    "an expression without end": (
        machine(A=passing(Output="{% $states.input")),
        ["A: Output is '{% $states.input': an expression is the whole text, from {% to %}"],
    ),
}

FIELDS = {
    "Output in a Fail": (
        machine(A={"Type": "Fail", "Error": "x", "Cause": "y", "Output": {}}),
        ["A: has Output, which a Fail state cannot have"],
    ),
    "Assign in a Fail": (
        machine(A={"Type": "Fail", "Error": "x", "Cause": "y", "Assign": {}}),
        ["A: has Assign, which a Fail state cannot have"],
    ),
    "Assign in a Succeed": (
        machine(A={"Type": "Succeed", "Assign": {}}),
        ["A: has Assign, which a Succeed state cannot have"],
    ),
    "Result in a Pass": (
        machine(A=passing(Result={})),
        ["A: has Result, which a Pass state cannot have"],
    ),
    "Arguments in a rule": (
        machine(A=choice({"Condition": "{% true %}", "Arguments": {}, "Next": "Done"}), Done=DONE),
        ["A: has a rule with Arguments, which rules cannot have"],
    ),
    "another query language": (
        machine(A=passing(QueryLanguage="JSONPath")),
        ["A: has the query language JSONPath, which a JSONata machine cannot go back to"],
    ),
    "a retrier behind the one for all errors": (
        machine(A=task(Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["States.Timeout"]}], End=True)),
        ["A: Retry has States.ALL before others or beside others: it must be last and alone"],
    ),
    "an error that does not exist": (
        machine(A=task(Catch=[{"ErrorEquals": ["States.TimedOut"], "Next": "Done"}], Next="Done"), Done=DONE),
        ["A: Catch has States.TimedOut, which is not an error of Step Functions"],
    ),
}

RIGHT = {
    "newer operators in texts, patterns, names and comments": passing(
        Output="{% /* a ?? b */ $replace($states.input.`a??b`, /a??b|x?:/, '??') & \"?:\" %}"
    ),
    "a choice whose second part starts with a regular expression": passing(
        Output="{% $states.input.x ? /a??/ : /b?:/ %}"
    ),
    "names and $ inside of what steps through values": passing(
        Output="{% $states.input.rows[kind = 'a' and $.size > 1].{'kind': kind, 'all': $}^(kind){kind: $count(size)} %}"
    ),
    "parameters and local variables of functions": passing(
        Output="{% ($twice := function($n) { $n * 2 }; $local := 1; $twice($local)) %}"
    ),
    "functions that Step Functions adds": passing(
        Output="{% [$hash('a', 'SHA-256'), $parse('1'), $uuid(), $random(), $range(1, 2, 1), $partition([1], 1)] %}"
    ),
    "letters of other scripts in names": passing(Assign={"größe": 1}),
}
