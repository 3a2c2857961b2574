"""Files of settings: how YAML is read, and where in it a setting stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from common.config.documents import Document, dotted, parse_yaml, read_yaml
from common.errors import ParameterError

pytestmark = pytest.mark.slow

TEXT = """\
# a comment
training:
  endpoint: {name: a, image: b}
  tuning_trials: 3
internal_cidrs:
  - 10.0.0.0/8
  - fc00::/7
common: &common {days: 1}
horizons:
  7d: *common
  30d: {<<: *common, gap_days: 2}
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), "a.yaml:2:1"),
        (("training",), "a.yaml:2:1"),
        (("training", "endpoint", "image"), "a.yaml:3:23"),
        (("training", "tuning_trials"), "a.yaml:4:3"),
        (("training", "min_rows"), "a.yaml:2:1"),  # which is not there: its group
        (("internal_cidrs", 1), "a.yaml:7:5"),
        (("internal_cidrs", 2), "a.yaml:5:1"),
        (("horizons", "7d", "days"), "a.yaml:8:18"),
        (("horizons", "30d", "days"), "a.yaml:8:18"),
        (("horizons", "30d", "gap_days"), "a.yaml:11:22"),
        (("time_zone",), "a.yaml:2:1"),
    ],
)
def test_a_setting_is_placed_by_line_and_column(path: tuple[str | int, ...], place: str) -> None:
    assert parse_yaml(TEXT.encode(), "a.yaml").place(path) == place


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"), ("yes", "yes"), ("No", "No"), ("true", True), ("False", False), ("12:30", "12:30"),
        ("1_000", "1_000"), ("010", 10), ("0x10", "0x10"), ("-3", -3), ("+3", 3), ("1e3", 1000.0), ("-.5", -0.5),
        ("1.", 1.0), (".inf", float("inf")), ("2026-03-10", "2026-03-10"), ("'5'", "5"), ("~", None), ("", None),
        ("null", None), ("5 # five", 5), ("=", "="), ("10.0.0.0/8", "10.0.0.0/8"), ("1.2.3", "1.2.3"),
    ],
)  # fmt: skip
def test_values_are_those_of_yaml_1_2(text: str, value: Any) -> None:
    found = parse_yaml(f"a: {text}".encode(), "a.yaml").values["a"]
    assert (type(found), found) == (type(value), value)


def test_keys_are_texts() -> None:
    assert parse_yaml(b"{7: a, true: b, 1.5: c, ~: d}", "a.yaml").values == {
        "7": "a",
        "true": "b",
        "1.5": "c",
        "~": "d",
    }


def test_a_key_that_is_given_twice_is_noted() -> None:
    found = parse_yaml(b"a: 1\nb: [{c: 1, c: 2}]\na: 3\n", "a.yaml").repeated
    assert [(one.name, one.first, one.again) for one in found] == [("b[0].c", (2, 6), (2, 12)), ("a", (1, 1), (3, 1))]


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "null"])
def test_an_empty_file_has_no_settings(text: str) -> None:
    assert parse_yaml(text.encode(), "a.yaml").values == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a: [", r"a\.yaml:1:5 is not valid YAML: while parsing a flow node expected the node content"),
        (b"a: b: c", r"a\.yaml:1:5 is not valid YAML: mapping values are not allowed here. Check the indentation, and"),
        (b"a: 1\n b: 2", r"a\.yaml:2:3 is not valid YAML: mapping values"),
        (b"a: 1\n---\nb: 2", r"a\.yaml:2:1 is not valid YAML: expected a single document"),
        (b"[a]: 1", r"a\.yaml:1:1 is not valid YAML: a key must be a text"),
        (b"a: !!python/object:os.system x", r"a\.yaml:1:4 is not valid YAML: could not determine a constructor"),
        (b"a: *b", r"a\.yaml:1:4 is not valid YAML: found undefined alias"),
        (b"a: \xff", r"a\.yaml is not valid YAML: 'utf-8' codec can't decode"),
        (b"a: \x07", r"a\.yaml is not valid YAML: unacceptable character"),
        (b"[" * 5000, r"a\.yaml is not valid YAML: maximum recursion depth"),
        (b"a: " + b"9" * 5000, r"a\.yaml is not valid YAML: Exceeds the limit"),
    ],
)
def test_what_is_not_yaml_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        parse_yaml(content, "a.yaml")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"no\.yaml cannot be read: No such file"):
        read_yaml(tmp_path / "no.yaml")
    with pytest.raises(ParameterError, match="cannot be read: Is a directory"):
        read_yaml(tmp_path)


def test_names_lead_to_the_value() -> None:
    assert dotted(("training", "min_rows")) == "training.min_rows"
    assert dotted(("internal_cidrs", 0)) == "internal_cidrs[0]"
    assert dotted(("segments", "10.1.0.0/16", "a b")) == 'segments["10.1.0.0/16"]["a b"]'
    item = Document("table t, attribute settings", {}, root="$.")
    assert (item.place(("a",)), item.name(("a", 0)), item.name(())) == ("table t, attribute settings", "$.a[0]", "$")
