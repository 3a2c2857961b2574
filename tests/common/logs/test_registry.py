"""The registry holds every format, and the order in which formats are preferred."""

from __future__ import annotations

import json
import pkgutil

import pytest

from common.errors import FormatError
from common.logs import FORMATS, detect_format, formats
from common.logs.registry import READERS, reader_of


def test_every_module_of_formats_is_in_the_registry_under_its_own_name() -> None:
    modules = {module.name for module in pkgutil.iter_modules(formats.__path__)}
    assert sorted(FORMATS) == sorted(modules), "common/logs/registry.py and the modules in common/logs/formats/ differ"


def test_a_reader_is_found_by_its_name() -> None:
    assert [reader_of(reader.NAME) for reader in READERS] == list(READERS)
    with pytest.raises(FormatError, match=r"log format 'csv' is unknown\. Known formats: .*panos"):
        reader_of("csv")


@pytest.mark.parametrize(
    ("document", "name"),
    [
        # shipped by Filebeat, which adds ECS's own names
        ({"@timestamp": "x", "ecs": {}, "id.orig_h": "10.1.1.1", "conn_state": "SF"}, "zeek"),
        # Elastic's integration can keep the log that it was made from
        (
            {
                "@timestamp": "x",
                "event": {"original": "1,2024/03/11 16:23:31,0125,TRAFFIC,end"},
                "source": {"ip": "10.1.1.1"},
            },
            "ecs",
        ),
        ({"@timestamp": "x", "event": {}, "LogType": "TRAFFIC", "SourceAddress": "10.1.1.1"}, "sls"),
    ],
)
def test_the_more_specific_format_wins(document: dict[str, object], name: str) -> None:
    assert detect_format(json.dumps(document).encode()) == name
