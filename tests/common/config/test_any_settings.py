"""Whatever is written, it gives settings or an error that names what is wrong, and nothing else."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

from common.config.documents import parse_yaml
from common.config.loader import build, build_from
from common.config.project_file import ProjectFile
from common.config.schema import schema_of
from common.errors import ParameterError
from tests.common.config.test_schema import FULL

NAMES = sorted({name for group in schema_of(ProjectFile)["$defs"].values() for name in group["properties"]})
VALUES: list[Any] = [
    None, True, 0, -1, 1, 7, 2**31, 10**30, 0.5, -0.0, 1e308, float("inf"), float("nan"), "", "a", "7d", "UTC", "1_000",
    "12:30", "10.0.0.0/8", "10.0.0.1/8", "::/0", "fc00::/7", "../etc/passwd", "Europe/Berlin", "s3://bucket/acme/hq/",
    "s3://b", "default", "x" * 10_000, "\0", "\ud800", "\x1b[2J", "{problem}", "%s", [], [7, 17], [17, 7], ["acme/hq"],
    [[[]]], {}, {"a": 1}, {"days": 1, "gap_days": 0}, {"": {"": None}},
]  # fmt: skip
TRIES = 400
"""Of which about one in a hundred gives settings."""
TEXT = """\
project_name: demo
organisations: [acme/hq]
settings: &settings
  time_zone: Europe/Berlin
  horizons: {7d: {days: 1, gap_days: 0.5}}
  segments:
    10.1.0.0/16: "servers"
  training: {min_coverage: 0.9}
orchestration:
  lake_uri: /lake
  ingestion_prefix: s3://inbox/acme/hq
"""


def change(values: Any, chance: random.Random) -> None:
    """Puts any value into a group or list at any depth, in place of another one or as a further one."""
    inner = list(values.values()) if isinstance(values, dict) else values
    below = [value for value in inner if isinstance(value, dict | list)]
    if below and chance.random() < 0.7:
        return change(chance.choice(below), chance)
    value = copy.deepcopy(chance.choice(VALUES))
    if isinstance(values, list):
        values.insert(chance.randrange(len(values) + 1), value)
    else:
        values[chance.choice([*values, *NAMES])] = value


@pytest.mark.parametrize("seed", range(4))
def test_any_mapping_gives_settings_or_names_what_is_wrong(seed: int) -> None:
    chance, right = random.Random(seed), 0
    for _ in range(TRIES):
        raw = copy.deepcopy(FULL)
        for _ in range(chance.randrange(1, 3)):
            change(raw, chance)
        try:
            found = build(ProjectFile, raw, "here")
        except ParameterError as error:
            assert error.lines[0].startswith("here")
            assert all(line.startswith(("here: ", "... and")) for line in error.lines[1:])
        else:
            assert build(ProjectFile, found.given(), "again") == found
            right += 1
    assert 0 < right < TRIES


@pytest.mark.parametrize("seed", range(4))
def test_any_text_gives_settings_or_names_what_is_wrong(seed: int) -> None:
    chance, right = random.Random(seed), 0
    pieces = ["\n", "  ", ": ", "- ", "{", "}", "[", "]", "&a ", "*a", "*settings", "<<: ", "!!set ", "!!binary ", '"',
              "'", "#", "|", "\t", "\x00", "\xff", "~", "? ", "---\n", "1e999", "0o17", "=", "."]  # fmt: skip
    for _ in range(100):
        text = TEXT
        for _ in range(chance.randrange(3)):
            place = chance.randrange(len(text))
            text = text[:place] + chance.choice(pieces) + text[place + chance.randrange(3) :]
        try:
            build_from(ProjectFile, parse_yaml(text.encode("latin-1"), "a.yaml"))
            right += 1
        except ParameterError as error:
            assert all(line.startswith(("a.yaml", "... and")) for line in error.lines)
    assert 0 < right < 100
