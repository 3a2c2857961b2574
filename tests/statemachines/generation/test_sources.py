"""Sources and fragments are read, and what is wrong with a file is said with its name, its place and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from statemachines.generation.files import FRAGMENTS, ROOT, SOURCES
from statemachines.generation.sources import LONGEST_LINE, SourceError, read_fragments, read_source

MOST_LINES = 200
OURS = sorted((ROOT / SOURCES).rglob("*.yaml"))


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def test_a_fragment_has_its_parameters_in_order_those_with_defaults_last(tmp_path: Path) -> None:
    text = "wait:\n  about: a\n  parameters: [next]\n  defaults: {seconds: 1}\n  value: {S: <<seconds>>, N: <<next>>}\n"
    (fragment,) = read_fragments(written(tmp_path, waits=text)).values()
    assert (fragment.name, fragment.file, fragment.about) == ("wait", "waits.yaml", "a")
    assert (fragment.parameters, fragment.defaults) == (("next", "seconds"), {"seconds": 1})
    assert (fragment.body, fragment.holds_states) == ({"S": "<<seconds>>", "N": "<<next>>"}, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"a: 1\nb: {'x' * LONGEST_LINE}\n",
            "m.yaml, line 2 has 123 characters. Break it to at most 120: the lines of a block are joined by a space",
        ),
        ("a: 1\nb: [\n", "m.yaml is not YAML: "),
        ("- a\n", "m.yaml is not a mapping. Write it as name: value"),
        ("a: {b: 1, c: 2, b: 3}\n", 'm.yaml is not YAML: the key b is defined twice in "<unicode string>", line 1'),
    ],
    ids=["a long line", "no YAML", "no mapping", "a key twice"],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_source(written(tmp_path, m=text) / "m.yaml")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("f: {value: 1}", "the fragment f is malformed"),
        ("f: {about: a, value: 1, states: {}}", "the fragment f is malformed"),
        ("f: {about: a, value: 1, parameter: [x]}", "the fragment f is malformed, it has parameter"),
        ("f: 1", "the fragment f is malformed"),
        ("f: {about: a, parameters: [x], value: 1}", "the fragment f never uses its parameter x. Write <<x>>"),
        ("f: {about: a, defaults: {x: 1}, value: 1}", "the fragment f never uses its parameter x. Write <<x>>"),
    ],
)
def test_a_wrong_fragment_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_fragments(written(tmp_path, fragments=text))
    assert str(caught.value).startswith(f"fragments.yaml: {message}")


def test_two_fragments_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"^the fragment f is in a\.yaml and in b\.yaml\. Give one of them another"):
        read_fragments(written(tmp_path, a="f: {about: a, value: 1}", b="f: {about: b, value: 2}"))


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_our_sources_have_short_lines_and_those_of_machines_few(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert max(map(len, lines)) <= 120
    assert path.parent == ROOT / FRAGMENTS or len(lines) <= MOST_LINES
