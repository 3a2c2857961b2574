"""Names of a lake masked, unmasked, exported and erased by the command, with nothing lost and nothing left."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.contracts import tables
from common.detection.alerts.triage import read_changes
from common.lake.lake import Lake
from common.privacy.places import ERASED, PLACES
from common.windows import Windows
from tests.commands import call
from tests.common.lake.killing import Killed
from tests.factories import SPEC, session, table_row, window_columns
from tests.lakes import mark_lake, write_table
from tests.privacy import held_in
from tools.lake.cli import main as lake_main
from tools.privacy import rewriting
from tools.privacy.cli import main

pytestmark = pytest.mark.slow

WINDOW = Windows.parse("2026-03-10T13:08Z")
BEFORE = Windows.parse("2026-03-09T13:08Z")
ALICE = r"acme\alice"
MONTH = {"snapshot_month": "2026-03", "is_active": True}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Two days of sessions of Alice and Bob, who share one of them; their machines, a reject, a mark, and scores."""
    folder, declared = tmp_path / "lake", tables(SPEC)

    def one(window: Windows, user: str | None, **other: Any) -> dict[str, Any]:
        row = session(src_user=user, end_ts=f"{window.start:%Y-%m-%dT%H:%M:%S}") | other | window_columns(window)
        return {name: row[name] for name in declared["sessions"].column_names if name in row}

    mark_lake(folder, "acme", {"time_zone": "UTC"})
    rows = [
        one(WINDOW, ALICE),
        one(WINDOW, "Alice@acme.example", src_ip="10.1.1.11"),
        one(WINDOW, r"acme\bob"),
        one(WINDOW, r"acme\bob", dst_user=ALICE, dst_ip="10.1.1.12"),
        one(BEFORE, ALICE),
        one(BEFORE, None),
    ]
    write_table(folder, "sessions", rows)
    write_table(folder, "open_sessions", [table_row(declared["open_sessions"], WINDOW, src_user=ALICE)])
    rejected = {"raw": rf"x,{ALICE},acme\bob,y", "reason": "src_port 'x'", "mini_batch_id": None}
    write_table(folder, "sessions_rejected", [table_row(declared["sessions_rejected"], WINDOW, **rejected)])
    machines = [("10.1.1.10", "PC-Alice"), ("10.1.1.20", "vdi-2")]
    write_table(folder, "machine_inventory", [{"host_ip": ip, "machine_name": name, **MONTH} for ip, name in machines])
    mark = {"changed_by": ALICE, "owner": "bob", "note": f"{ALICE} says it is hers", "techniques": "[]", "peers": "[]"}
    write_table(folder, "triage", [table_row(declared["triage"], WINDOW, **mark)])
    scored = [(10, WINDOW), (11, WINDOW), (12, WINDOW), (20, WINDOW), (11, BEFORE)]
    rows = [table_row(declared["predictions"], window, host_ip=f"10.1.1.{number}") for number, window in scored]
    write_table(folder, "predictions", rows)
    return folder


@pytest.fixture
def masked(lake: Path, tmp_path: Path) -> Path:
    """The lake with pseudonyms switched on, and masked."""
    switch_on(lake, tmp_path / "acme.keys")
    done("mask", "--lake", lake)
    return lake


def done(*arguments: str | Path) -> dict[str, Any]:
    code, output, error = call(main, *arguments)
    assert code == 0, error
    found: dict[str, Any] = json.loads(output)
    return found


def failed(*arguments: str | Path) -> str:
    code, output, error = call(main, *arguments)
    assert (code, output) == (1, ""), output
    return error


def switch_on(lake: Path, keys: Path) -> str:
    """Adds a key to a file, which the settings of the lake use from now on; returns what was printed."""
    code, printed, error = call(main, "new-key", "--key-file", keys)
    assert code == 0, error
    settings = lake.parent / f"project-{len(list(lake.parent.iterdir()))}.yaml"
    settings.write_text("time_zone: UTC\n" + printed)
    code, output, error = call(lake_main, "configure", "--lake", lake, "--parameters", settings)
    assert code == 0, error
    assert {*json.loads(output)["changed"]} == {"pseudonyms"}
    return printed


def column(lake: Path, table: str, name: str) -> list[str | None]:
    """The values of a column, in an order that pseudonyms do not change."""
    opened = Lake(str(lake), SPEC)
    key = "sequence_number" if table == "sessions" else opened.table(table).column_names[0]
    values: list[str | None] = opened.arrow(table).sort_by(key)[name].to_pylist()
    return values


def all_but_names(lake: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of all tables but the log, without the columns that may name somebody."""
    opened = Lake(str(lake), SPEC)
    found = {}
    for name in (name for name in opened.names if opened.exists(name) and name != "privacy_log"):
        rows = opened.arrow(name).drop_columns([*PLACES.get(name, {}), *(["change_id"] if name == "triage" else [])])
        found[name] = sorted(rows.to_pylist(), key=str)
    return found


def entries(lake: Path, *options: str) -> list[dict[str, Any]]:
    code, output, error = call(main, "log", "--lake", lake, "--format", "json", *options)
    assert code == 0, error
    found: list[dict[str, Any]] = json.loads(output)
    return found


def test_a_lake_with_names_is_masked_in_place(lake: Path, tmp_path: Path) -> None:
    before = all_but_names(lake)
    switch_on(lake, tmp_path / "acme.keys")
    rows = {"sessions": 5, "open_sessions": 1, "sessions_rejected": 1, "machine_inventory": 2}
    assert done("mask", "--lake", lake, "--dry-run")["rows"] == rows and held_in(lake, "alice") and entries(lake) == []
    found = done("mask", "--lake", lake, "--by", "ann")
    assert (found["rows"], found["files_removed"] > 0) == (rows, True)
    assert all_but_names(lake) == before
    users = column(lake, "sessions", "src_user")
    assert users[0] == users[1] == users[4] and users[2] == users[3] != users[0] and users[5] is None
    assert [str(name).split("-1-")[0] for name in column(lake, "machine_inventory", "machine_name")] == [
        "host",
        "vdi-host",
    ]
    assert {Path(file).parts[-3] for file in held_in(lake, "alice")} == {"triage"}  # of those who work with the lake
    assert done("mask", "--lake", lake)["rows"] == {}
    assert [(entry["logged_by"], entry["action"], entry["rows"]) for entry in entries(lake)][1] == ("ann", "mask", rows)


def test_masking_that_is_killed_goes_on(lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = all_but_names(lake)
    switch_on(lake, tmp_path / "acme.keys")
    monkeypatch.setattr(rewriting, "FILES_PER_COMMIT", 1)
    for name in ("exchanged", "without_copies"):
        kill_second(monkeypatch, name)
        with pytest.raises(Killed):
            call_through("mask", lake)
        assert all_but_names(lake) == before
    monkeypatch.undo()
    done("mask", "--lake", lake)
    assert all_but_names(lake) == before
    assert {Path(file).parts[-3] for file in held_in(lake, "alice")} == {"triage"}


def kill_second(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Ends the process before the second call of a function by name, as far as a test can."""
    from tools.privacy import changes

    module: Any = changes if name == "without_copies" else rewriting
    work: Callable[..., Any] = getattr(module, name)
    calls = 0

    def counted(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Killed
        return work(*arguments)

    monkeypatch.setattr(module, name, counted)


def call_through(command: str, lake: Path) -> None:
    """Calls the command so that the end of its process is not caught."""
    from tools.privacy import job

    getattr(job, command)(str(lake), "ann", False)


def test_unmasking_is_logged_before_it_is_shown(masked: Path) -> None:
    user = str(column(masked, "sessions", "src_user")[0])
    sealed = str(column(masked, "sessions_rejected", "raw")[0])
    code, output, error = call(
        main, "unmask", "--lake", masked, "--reason", " case 7 ", "--by", "ann", "--format", "json", user, sealed
    )
    assert code == 0, error
    assert [row["name"] for row in json.loads(output)] == ["alice@acme", rf"x,{ALICE},acme\bob,y"]
    entry = entries(masked, "--action", "unmask")[0]
    assert (entry["logged_by"], entry["reason"], entry["subject"]) == ("ann", "case 7", f"{user}\n{sealed}")
    assert entries(masked, "--subject", user) == [entry]


@pytest.mark.parametrize("reason", ["", "  ", "because of alice@acme", r"ACME\ALICE was seen"])
def test_a_reason_is_given_and_names_nobody(masked: Path, reason: str) -> None:
    user = str(column(masked, "sessions", "src_user")[0])
    for command in (("unmask", user), ("erase", "--person", ALICE), ("export", "--person", ALICE, "--out", "x.ndjson")):
        error = failed(command[0], "--lake", masked, "--reason", reason, *command[1:])
        assert "the reason" in error and not Path("x.ndjson").exists()
    assert not entries(masked, "--action", "unmask") and held_in(masked, "pseudonyms")


def test_what_is_no_pseudonym_of_the_lake(masked: Path, tmp_path: Path) -> None:
    assert "is no pseudonym" in failed("unmask", "--lake", masked, "--reason", "x", "alice")
    call(main, "new-key", "--key-file", tmp_path / "other.keys")
    user = str(column(masked, "sessions", "src_user")[0])
    error = failed("unmask", "--lake", masked, "--reason", "x", "--key-file", tmp_path / "other.keys", user)
    assert "was not made with this key 1" in error
    assert entries(masked, "--action", "unmask") == []


def test_a_lake_without_pseudonyms(lake: Path) -> None:
    assert "ask for no pseudonyms" in failed("mask", "--lake", lake)
    assert "ask for no pseudonyms" in failed("unmask", "--lake", lake, "--reason", "x", "user-1-x")


@pytest.mark.parametrize("is_masked", [False, True])
@pytest.mark.parametrize("person", [ALICE, "alice@acme.example"])
def test_a_person_is_exported(lake: Path, tmp_path: Path, is_masked: bool, person: str) -> None:
    if is_masked:
        switch_on(lake, tmp_path / "acme.keys")
        done("mask", "--lake", lake)
    out = tmp_path / "alice.ndjson"
    asked = ("export", "--lake", lake, "--person", person, "--reason", "request 17", "--out", out)
    found = done(*asked)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert found["rows"] == {"sessions": 4, "open_sessions": 1, "sessions_rejected": 1, "triage": 1, "predictions": 3}
    assert found["rows"] == {name: sum(row["table"] == name for row in rows) for name in found["rows"]}
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    shared = next(row for row in rows if row["table"] == "sessions" and row["dst_user"])
    assert shared["src_user"] is None  # Bob, of whom nothing is told
    scored = {(row["host_ip"], row["window"]) for row in rows if row["table"] == "predictions"}
    assert scored == {(f"10.1.1.{number}", WINDOW.key) for number in (10, 11, 12)}
    assert entries(lake, "--action", "export")[0]["rows"] == found["rows"]
    done(*asked, "--format", "csv")
    with out.open(newline="") as stream:
        assert [row["table"] for row in csv.DictReader(stream)] == [row["table"] for row in rows]


def test_a_machine_is_exported_by_its_name(masked: Path, tmp_path: Path) -> None:
    found = done("export", "--lake", masked, "--person", "pc-alice", "--reason", "r", "--out", tmp_path / "x")
    assert found["rows"] == {"machine_inventory": 1, "predictions": 1}


@pytest.mark.parametrize("is_masked", [False, True])
def test_a_person_is_erased_and_no_copy_is_left(lake: Path, tmp_path: Path, is_masked: bool) -> None:
    before = all_but_names(lake)
    if is_masked:
        switch_on(lake, tmp_path / "acme.keys")
        done("mask", "--lake", lake)
    asked = ("erase", "--lake", lake, "--person", ALICE, "--person", "pc-alice", "--reason", "request 18")
    rows = {"sessions": 4, "open_sessions": 1, "sessions_rejected": 1, "machine_inventory": 1, "triage": 1}
    assert done(*asked, "--dry-run") == {"lake": str(lake), "dry_run": True, "rows": rows}
    held = {str(name) for name in column(lake, "sessions", "src_user") if name}
    assert done(*asked)["rows"] == rows
    assert all_but_names(lake) == before
    users = column(lake, "sessions", "src_user")
    assert [user is None for user in users] == [True, True, False, False, True, True]
    gone = held - {str(user) for user in users}
    for name in ("alice", "Alice", *gone):
        assert held_in(lake, name) == [] and gone
    assert ERASED in column(lake, "machine_inventory", "machine_name")
    (change,) = read_changes(Lake(str(lake), SPEC))
    assert (change.changed_by, change.owner, change.note) == (ERASED, "bob", f"{ERASED} says it is hers")
    assert column(lake, "triage", "change_id") == [change.change_id]
    assert done(*asked)["rows"] == {}
    assert entries(lake, "--action", "erase")[1]["rows"] == rows


def test_erasing_takes_from_a_sealed_record_its_person_alone(masked: Path) -> None:
    done("erase", "--lake", masked, "--person", ALICE, "--reason", "request 18")
    sealed = str(column(masked, "sessions_rejected", "raw")[0])
    _, output, _ = call(main, "unmask", "--lake", masked, "--reason", "r", "--format", "json", sealed)
    assert json.loads(output)[0]["name"] == rf"x,{ERASED},acme\bob,y"


def test_a_key_is_changed_by_masking_again(masked: Path, tmp_path: Path) -> None:
    before = column(masked, "sessions", "src_user")
    switch_on(masked, tmp_path / "acme.keys")
    done("mask", "--lake", masked)
    after = column(masked, "sessions", "src_user")
    assert [str(user)[:7] for user in after if user] == ["user-2-"] * 5
    assert len({*zip(before, after, strict=True)}) == 3  # Alice, Bob and nobody
    assert not held_in(masked, "user-1-") and not held_in(masked, "sealed-1-")


def test_the_log_is_filtered(masked: Path) -> None:
    done("erase", "--lake", masked, "--person", "nobody", "--reason", "r", "--by", "ann")
    assert [entry["action"] for entry in entries(masked)] == ["erase", "mask"]
    assert [entry["action"] for entry in entries(masked, "--by", "ann")] == ["erase"]
    assert [entry["action"] for entry in entries(masked, "--last", "1")] == ["erase"]
    today = f"{datetime.now(UTC):%Y-%m-%d}T00:00Z"
    assert len(entries(masked, "--since", today)) == 2 and entries(masked, "--since", "2999-01-01T00:00Z") == []


def test_no_key_is_shown_or_stored(masked: Path, tmp_path: Path) -> None:
    key = (tmp_path / "acme.keys").read_text().split()[-1]
    said = "".join(
        "".join(map(str, call(main, *words, "--lake", masked)))
        for words in (("mask",), ("unmask", "--reason", "r", "user-1-" + "A" * 43), ("log",))
    )
    assert key not in said and held_in(masked, key) == []
    info = call(lake_main, "info", "--lake", masked)[1]
    assert yaml.safe_load(info)["parameters"]["settings"]["pseudonyms"]["keys"] == str(tmp_path / "acme.keys")
    assert key not in info
    (tmp_path / "acme.keys").chmod(0o644)
    error = failed("mask", "--lake", masked)
    assert "all users of this machine can use it" in error and key not in error


def test_a_name_must_be_given(lake: Path) -> None:
    assert "a name is empty" in failed("erase", "--lake", lake, "--person", " ", "--reason", "r")
    assert "cannot be written" in failed(
        "export", "--lake", lake, "--person", "x", "--reason", "r", "--out", lake.parent / "none" / "x"
    )
