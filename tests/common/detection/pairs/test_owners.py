from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from common.address_codes import address_codes
from common.detection.pairs.contacts import network_codes
from common.detection.pairs.owners import NAME_MOST, NUMBER, Owners, owners_of_model, read_owners
from common.errors import ModelError, ParameterError, StorageError
from tests.common.detection.pairs.owner_files import OWNERS, write_owners, write_records


def owners(uri: str) -> Owners:
    file = read_owners(uri)
    assert file is not None
    return Owners(file, 64)


def numbers(found: Owners, *addresses: str) -> list[int]:
    texts = pa.array(addresses)
    return [int(number) for number in found.of(texts, network_codes(texts, address_codes(texts), 64))]


def test_a_file_is_known_by_what_it_holds(tmp_path: Path) -> None:
    file = read_owners(write_owners(tmp_path / "asn.mmdb"))
    assert file is not None
    assert (file.database, file.built) == ("Test-ASN", f"{datetime.now(UTC):%Y-%m-%d}")
    assert file == read_owners(str(tmp_path / "asn.mmdb"))
    assert file.sha256 != read_owners(write_owners(tmp_path / "other.mmdb", dict([*OWNERS.items()][:2]))).sha256  # type: ignore[union-attr]
    assert read_owners(None) is None


def test_the_owner_of_an_address_is_that_of_its_network(tmp_path: Path) -> None:
    found = owners(write_owners(tmp_path / "asn.mmdb"))
    assert numbers(found, "198.51.100.7", "198.51.100.9", "203.0.113.1", "198.51.1.1", "10.0.0.1") == [
        64500, 64500, 64501, 64501, 0,
    ]  # fmt: skip
    assert numbers(found, "2001:db8::7", "2001:db9::7", "10.1.4.7@berlin", "fd00::1", "198.51.100.8") == [
        64500, 0, 0, 0, 64500,
    ]  # fmt: skip
    assert found.names == {64500: "AS64500 Example Hosting", 64501: "AS64501 Example Cloud"}
    assert numbers(found) == []


def test_a_network_of_several_owners_has_that_of_its_first_address_whoever_is_met_first(tmp_path: Path) -> None:
    uri = write_owners(tmp_path / "asn.mmdb", {"198.51.100.0/25": (1, "one"), "198.51.100.128/25": (2, "two")})
    assert numbers(owners(uri), "198.51.100.200", "198.51.100.1") == [1, 1]
    assert numbers(owners(uri), "198.51.100.1", "198.51.100.200") == [1, 1]


def test_a_file_of_ipv4_knows_no_owner_of_ipv6(tmp_path: Path) -> None:
    uri = write_owners(tmp_path / "asn.mmdb", version=4)
    assert numbers(owners(uri), "2001:db8::7", "198.51.100.7") == [0, 64500]


@pytest.mark.parametrize(
    "entry", [{NUMBER: "64502"}, {NUMBER: 0}, {NUMBER: 2**32}, {NUMBER: True}, {NUMBER: 6.5}, {"asn": 64502}]
)
def test_records_without_a_number_are_of_unknown_owners(tmp_path: Path, entry: dict[str, Any]) -> None:
    records = {"198.51.100.0/24": {NUMBER: 64500}, "203.0.113.0/24": entry}
    found = owners(write_records(tmp_path / "asn.mmdb", records))
    assert numbers(found, "203.0.113.1", "198.51.100.1") == [0, 64500]
    assert found.names == {64500: "AS64500"}


def test_names_are_short_and_on_one_line(tmp_path: Path) -> None:
    hostile = {"198.51.100.0/24": (64500, "A\n\x1b[31mB\u202e" + "c" * 500), "203.0.113.0/24": (64501, 7)}
    found = owners(write_owners(tmp_path / "asn.mmdb", hostile))
    numbers(found, "198.51.100.1", "203.0.113.1")
    assert found.names[64500].startswith("AS64500 A  [31mB cc")
    assert len(found.names[64500]) == len("AS64500 ") + NAME_MOST
    assert found.names[64501] == "AS64501 7"


@pytest.mark.parametrize("content", [b"", b"no database", b"\xab\xcd\xefMaxMind.com" + b"\xff" * 40])
def test_what_is_no_database_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "asn.mmdb"
    path.write_bytes(content)
    with pytest.raises(ParameterError, match=f"network_owners {path} cannot be read"):
        read_owners(str(path))


def test_a_damaged_tree_is_named(tmp_path: Path) -> None:
    path = Path(write_owners(tmp_path / "asn.mmdb"))
    content = path.read_bytes()
    end = content.rindex(b"\xab\xcd\xefMaxMind.com")
    path.write_bytes(bytes(200) + b"\xff" * (end - 200) + content[end:])
    with pytest.raises(ParameterError, match=f"network_owners {path}"):
        numbers(owners(str(path)), "198.51.100.1", "203.0.113.1", "2001:db8::1")


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    uri = write_records(tmp_path / "country.mmdb", {"198.51.100.0/24": {"country": {"iso_code": "DE"}}})
    with pytest.raises(ParameterError, match="has no autonomous_system_number"):
        read_owners(uri)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"none\.mmdb does not exist"):
        read_owners(str(tmp_path / "none.mmdb"))


def test_a_file_that_changes_between_its_readers_is_refused(tmp_path: Path) -> None:
    file = read_owners(write_owners(tmp_path / "asn.mmdb"))
    assert file is not None
    write_owners(tmp_path / "asn.mmdb", {"203.0.113.0/24": (64501, "Example Cloud")})
    with pytest.raises(ParameterError, match="changed while it was read"):
        numbers(Owners(file, 64), "198.51.100.1")


def test_each_network_is_looked_up_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, asked = owners(write_owners(tmp_path / "asn.mmdb")), list[int]()
    looked_up = found._looked_up

    def counted(addresses: pa.StringArray) -> Any:
        asked.append(len(addresses))
        return looked_up(addresses)

    monkeypatch.setattr(found, "_looked_up", counted)
    first = numbers(found, "198.51.100.1", "203.0.113.1", "198.51.100.2")
    assert numbers(found, "203.0.113.9", "198.51.0.1", "198.51.100.3") == [64501, 64501, 64500]
    assert (first, asked) == ([64500, 64501, 64500], [2, 1])
    assert np.all(np.diff(found._networks) > 0)


def test_a_model_scores_as_it_has_learnt(tmp_path: Path) -> None:
    uri = write_owners(tmp_path / "asn.mmdb")
    file = read_owners(uri)
    assert file is not None
    learnt = {"run_id": "if-1", "owners": replace(file, sha256="of an older file").to_dict()}
    assert owners_of_model(learnt, uri) == file
    assert owners_of_model({"run_id": "if-1", "owners": None}, uri) is None
    assert owners_of_model({"run_id": "if-1"}, str(tmp_path / "none.mmdb")) is None
    with pytest.raises(ModelError, match="model if-1 was trained with owners of networks"):
        owners_of_model(learnt, None)
